#!/usr/bin/env bash
# Renders every storyboard of a folder, one after the other, and says in the morning what failed.
# Run it again after a crash: what was made is not made twice.
#
#     examples/overnight.sh storyboards films
set -u
boards=${1:?a folder with storyboards} films=${2:?a folder for films}
failed=0
mkdir -p "$films"
for board in "$boards"/*.yaml; do
    name=$(basename "$board" .yaml)
    if sora storyboard "$board" -o "$films/$name.mp4" 2>"$films/$name.log"; then
        echo "made    $films/$name.mp4"
    else
        code=$?
        [ "$code" -eq 130 ] && exit 130
        failed=$((failed + 1))
        echo "FAILED  $board (exit code $code, see $films/$name.log)"
    fi
done
[ "$failed" -eq 0 ]
