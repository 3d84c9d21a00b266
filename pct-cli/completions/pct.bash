# bash completion for pct, which knows itself what may follow.

# Volume ids have colons.
COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
complete -o default -C 'pct bashcomplete' pct
