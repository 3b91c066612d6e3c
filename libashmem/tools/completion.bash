# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2207
# Completion of `ashmem` for bash.
_ashmem() {
    local word=${COMP_WORDS[COMP_CWORD]} words
    if ((COMP_CWORD == 1)); then
        words="list show doctor create purge top nodes --help"
    else
        case ${COMP_WORDS[1]} in
            list | show) words="--json" ;;
            doctor) words="--root --json" ;;
            top) words="--iterations --delay" ;;
            nodes) words="add remove" ;;
            *) words="" ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _ashmem ashmem
