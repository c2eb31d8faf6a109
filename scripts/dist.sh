#!/usr/bin/env bash
# Packs what runs, the built viewer included, so that a server needs no Node and no git:
# build/orthanc-video-VERSION.tar.gz, which unpacks as orthanc-video/ (docs/installation.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
version=$(.venv/bin/python -c 'import orthanc_video; print(orthanc_video.__version__)')
archive=build/orthanc-video-$version.tar.gz
tar --create --gzip --file "$archive.new" --transform 's,^,orthanc-video/,' --exclude __pycache__ \
    --sort name --owner root:0 --group root:0 --mode u=rwX,go=rX \
    plugin viewer/dist docs orthanc.json pyproject.toml requirements.lock README.md CHANGELOG.md LICENSE
mv "$archive.new" "$archive"
echo "$archive"
