#!/bin/sh
# Draws the pictures of the Markdown pages: charts and the report of the demo, and the notebooks.
set -eu
cd "$(dirname "$0")/.."

test -x .tools/bin/chromium || {
    echo 'The pictures are taken by Chromium: put it on PATH, and run make tools.' >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
images=notebooks/images

# shot HTML PNG WIDTH HEIGHT
shot() {
    .tools/bin/chromium --no-sandbox --hide-scrollbars --force-device-scale-factor=1 \
        --window-size="$3,$4" --screenshot="$2" "file://$1" 2>/dev/null
}

.venv/bin/istio-usage demo -q -o "$work/demo" >/dev/null
cp "$work/demo/cost.png" "$work/demo/calibration.png" "$images/"
shot "$work/demo/report.html" "$images/report.png" 1100 1300

for notebook in notebooks/*.ipynb; do
    name=$(basename "$notebook" .ipynb)
    .venv/bin/jupyter nbconvert --log-level ERROR --execute --to html --template classic \
        --output-dir "$work" "$notebook"
    shot "$work/$name.html" "$images/$name.png" 1000 1300
done
