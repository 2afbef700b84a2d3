# bash completion for oc-octavia-adopt. Generated: make generate.
_oc_octavia_adopt()
{
	local i word line prefix='' glue='' directive=4
	local -a args=()

	COMPREPLY=()
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == '=' && ${#args[@]} -gt 0 ]]; then
			args[-1]+='='
			glue=1
		elif [[ $glue ]]; then
			args[-1]+=$word
			glue=''
		else
			args+=("$word")
		fi
	done
	if [[ ${args[-1]} == *=* && $COMP_WORDBREAKS == *=* ]]; then
		prefix=${args[-1]%%=*}=
	fi
	while IFS= read -r line; do
		if [[ $line == :* ]]; then
			directive=${line#:}
		else
			line=${line%%$'\t'*}
			COMPREPLY+=("${line#"$prefix"}")
		fi
	done < <("${COMP_WORDS[0]}" __complete "${args[@]}" 2>/dev/null)
	case $directive in
	0) compopt -o default ;;
	16) compopt -o dirnames ;;
	esac
}
complete -F _oc_octavia_adopt oc-octavia-adopt oc-octavia_adopt kubectl-octavia_adopt
