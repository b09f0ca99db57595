#!/usr/bin/env bash
# Runs a model and leaves a summary where the service shows one; ends with netgen's exit status.
# MODEL and SAMPLES name the files; OUTPUT, ARGUMENTS, BASELINE and MAX_REGRESSION may be empty.
set -uo pipefail
limits=()
for limit in ${MAX_REGRESSION:-}; do limits+=(--max-regression "$limit"); done
status=0
# ARGUMENTS holds several words
# shellcheck disable=SC2086
python3 -m netgen run "$MODEL" "$SAMPLES" -o "${OUTPUT:-out/netgen}" --summary md \
    ${BASELINE:+--baseline "$BASELINE"} ${limits[@]+"${limits[@]}"} ${ARGUMENTS:-} \
    >netgen-summary.md || status=$?
cat netgen-summary.md
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    cat netgen-summary.md >>"$GITHUB_STEP_SUMMARY"
fi
if [[ $status -ne 0 && -n ${GITHUB_ACTIONS:-} ]]; then
    what=$(grep -F -e '| ✗ |' netgen-summary.md | cut -d '|' -f 3 | tr -d ' ' | paste -sd ' ')
    echo "::error title=netgen::status $status ${what:+(${what})}; see the summary and the report"
fi
exit "$status"
