#!/usr/bin/env bash
# Installs ngspice's library and netgen: bash ci/install.sh SOURCE (a folder or a requirement)
set -euo pipefail
as_root=()
[[ $EUID -eq 0 ]] || as_root=(sudo)
if ! ldconfig -p | grep -q 'libngspice\.so\.0'; then
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends libngspice0
fi
python3 -m pip install --quiet "${1:-fqnetgen}"
