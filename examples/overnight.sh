#!/usr/bin/env bash
# Renders every storyboard of a folder, one process a film, and says in the morning what failed.
# Run it again after a crash: what was made is not made twice.
#
#     examples/overnight.sh storyboards films
#
# The same in one process, with models loaded once: sora batch storyboards/*.yaml -o films --keep-going
set -u
boards=${1:?a folder with storyboards} films=${2:?a folder for films}
failed=0
mkdir -p "$films"
for board in "$boards"/*.yaml; do
    [ -e "$board" ] || { echo "no storyboard (*.yaml) in $boards" >&2; exit 2; }
    name=$(basename "$board" .yaml)
    if sora storyboard "$board" -o "$films/$name.mp4" --max-time 2h --log "$films/$name.log" 2>/dev/null; then
        echo "made    $films/$name.mp4"
    else
        code=$?
        [ "$code" -gt 128 ] && exit "$code" # Ctrl-C, or somebody wants the machine
        failed=$((failed + 1))
        echo "FAILED  $board (exit code $code): $(tail -n 1 "$films/$name.log" 2>/dev/null)"
    fi
done
[ "$failed" -eq 0 ]
