#!/usr/bin/env bash
# Runs a model and leaves a summary where the service shows one; ends with netgen's exit status.
# MODEL and SAMPLES name the files; OUTPUT, ARGUMENTS, BASELINE and MAX_REGRESSION may be empty.
set -uo pipefail
limits=()
for limit in ${MAX_REGRESSION:-}; do limits+=(--max-regression "$limit"); done
# ARGUMENTS holds several words
# shellcheck disable=SC2086
python3 -m netgen run "$MODEL" "$SAMPLES" -o "${OUTPUT:-out/netgen}" --summary md \
    ${BASELINE:+--baseline "$BASELINE"} ${limits[@]+"${limits[@]}"} ${ARGUMENTS:-} \
    2>&1 >netgen-summary.md | tee netgen-messages.txt >&2
status=${PIPESTATUS[0]}
cat netgen-summary.md
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    cat netgen-summary.md >>"$GITHUB_STEP_SUMMARY"
fi
if [[ $status -ne 0 && -n ${GITHUB_ACTIONS:-} ]]; then
    what=$(grep -F -e '| ✗ |' netgen-summary.md | cut -d '|' -f 3 | tr -d ' ' | paste -sd ' ')
    said=$(grep '^netgen: ' netgen-messages.txt | tail -n 1)
    echo "::error title=netgen::status $status${what:+ ($what)}${said:+, $said}; see summary and report"
fi
exit "$status"
