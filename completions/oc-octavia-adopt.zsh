#compdef oc-octavia-adopt oc-octavia_adopt kubectl-octavia_adopt
# zsh completion for oc-octavia-adopt. Generated: make generate.
_oc-octavia-adopt()
{
	local line value text directive=4
	local -a candidates

	while IFS= read -r line; do
		if [[ $line == :* ]]; then
			directive=${line#:}
			continue
		fi
		value=${line%%$'\t'*}
		text=
		[[ $line == *$'\t'* ]] && text=${line#*$'\t'}
		candidates+=("${value//:/\\:}:$text")
	done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
	(( ${#candidates} )) && _describe 'oc octavia-adopt' candidates
	case $directive in
	0) compset -P '*='; _files ;;
	16) compset -P '*='; _files -/ ;;
	esac
}
if [[ $funcstack[1] == _oc-octavia-adopt ]]; then
	_oc-octavia-adopt "$@"
else
	compdef _oc-octavia-adopt oc-octavia-adopt oc-octavia_adopt kubectl-octavia_adopt
fi
