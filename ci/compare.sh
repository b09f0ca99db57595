#!/usr/bin/env bash
# Runs a model and leaves a summary where the service shows one; ends with netgen's exit status.
set -uo pipefail
output=${OUTPUT:-out/netgen}
status=0
# ARGUMENTS holds several words
# shellcheck disable=SC2086
python3 -m netgen run "$MODEL" "$SAMPLES" -o "$output" ${ARGUMENTS:-} | tee netgen.log || status=$?
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    { echo '### netgen'; echo '```'; cat netgen.log; echo '```'; } >>"$GITHUB_STEP_SUMMARY"
fi
if [[ $status -ne 0 && -n ${GITHUB_ACTIONS:-} ]]; then
    echo "::error title=netgen::exit status $status, see the report"
fi
exit "$status"
