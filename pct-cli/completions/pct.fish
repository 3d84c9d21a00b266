# fish completion for pct, which knows itself what may follow.

function __pct_complete
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l point (printf %s $line | wc --bytes)
    # The word before, which bash names too, is in the line.
    set -l found (COMP_LINE=$line COMP_POINT=$point pct bashcomplete pct "$word" '' 2>/dev/null)
    if set --query found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$word"
    end
end

complete --command pct --no-files --arguments '(__pct_complete)'
