# fish completion for oc-octavia-adopt. Generated: make generate.
function __oc_octavia_adopt_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l directive 4
	for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
		if string match -q -- ':*' $line
			set directive (string sub -s 2 -- $line)
		else
			echo $line
		end
	end
	set -l prefix (string match -r -- '^--[^=]*=' "$current")
	set -l typed (string replace -- "$prefix" '' "$current")
	switch $directive
	case 0
		for path in (__fish_complete_path "$typed")
			echo "$prefix$path"
		end
	case 16
		for path in (__fish_complete_directories "$typed")
			echo "$prefix$path"
		end
	end
end
for name in oc-octavia-adopt oc-octavia_adopt kubectl-octavia_adopt
	complete -c $name -f -a '(__oc_octavia_adopt_complete)'
end
