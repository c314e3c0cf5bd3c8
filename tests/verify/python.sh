#!/usr/bin/env bash
# Python with the pinned NumPy, in a virtual environment under target/ that is
# made when it is missing or out of date. Takes Python's arguments.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=$here/../../target/verify-python

if ! cmp -s "$here/requirements.txt" "$environment/requirements.txt"; then
    python3 -m venv --clear "$environment" >&2
    "$environment/bin/pip" install --quiet --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$environment/"
fi
exec "$environment/bin/python" -B "$@"
