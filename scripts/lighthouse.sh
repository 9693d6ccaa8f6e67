#!/usr/bin/env bash
# Asks Lighthouse about the pages that people see most, on a trial install of its own, on a phone and on a desktop, and prints a table of scores. Fails
# where performance, accessibility or best practices are below 95. Needs Node, Chromium and, for npx, a way to the npm registry;
# `make test` does not run it. Usage: scripts/lighthouse.sh [--write docs/performance.md] [PAGE…]
set -euo pipefail

cd "$(dirname "$0")/.."
version=12.8.2
least=95

document=
if [[ ${1-} == --write ]]; then
	document=$2
	shift 2
fi

dir=$(mktemp -d)
server=
finish() {
	[[ -z $server ]] || kill "$server" || true
	rm -rf "$dir"
}
trap finish EXIT

go build -o "$dir/exeunt" ./cmd/exeunt
"$dir/exeunt" serve --trial --listen 127.0.0.1:0 --data "$dir/data" >"$dir/out" 2>"$dir/log" &
server=$!
for _ in $(seq 100); do
	at=$(sed -n 's/^listening on //p' "$dir/out")
	[[ -z $at ]] || break
	sleep 0.1
done
[[ -n $at ]] || {
	cat "$dir/log" >&2
	exit 1
}

# A visitor is lent an account with posts and a circle.
curl -sf -o "$dir/lent" -c "$dir/cookies" -X POST "$at/trial/lend"
session=$(awk '$6 == "session" {print $7}' "$dir/cookies")
cookie="Cookie: session=$session"
curl -sf -H "$cookie" "$at/circles" >"$dir/circles"
circle=$(grep -o '/circles/[0-9]\+' "$dir/circles" | head -1)
curl -sf -H "$cookie" "$at$circle" >"$dir/circle"
post=$(grep -o '/posts/[0-9]\+' "$dir/circle" | head -1)
declare -A pages=([home]=/ [circle]="$circle" [post]="$post" [search]="/search?q=%E7%9A%84" [discover]=/discover [front]=/)
(($#)) || set -- home circle post search discover front

export CHROME_PATH=${EXEUNT_TEST_CHROMIUM:-$(command -v chromium)}
rows=
bad=0
for form in mobile desktop; do
	for name in "$@"; do
		extra=(--extra-headers="$(printf '{"Cookie":"session=%s"}' "$session")")
		[[ $name != front ]] || extra=()
		[[ $form != desktop ]] || extra+=(--preset=desktop)
		# Chromium loses the beginning of a trace at times (NO_NAVSTART), and Lighthouse asks to be run again.
		for try in 1 2 3; do
			npx --yes "lighthouse@$version" "$at${pages[$name]}" "${extra[@]}" --quiet --output=json --output-path="$dir/$name-$form.json" \
				--only-categories=performance,accessibility,best-practices --chrome-flags="--headless=new --no-sandbox --disable-gpu --disable-background-networking" 2>"$dir/error" && break
			((try < 3)) || {
				cat "$dir/error" >&2
				exit 1
			}
		done
		row=$(node -e '
			const r = JSON.parse(require("fs").readFileSync(process.argv[1]));
			const score = c => Math.round(r.categories[c].score * 100);
			const all = ["performance", "accessibility", "best-practices"];
			for (const c of all) for (const a of r.categories[c].auditRefs) {
				const x = r.audits[a.id];
				if (a.weight && x.score !== null && x.score < 0.9) {
					const where = ((x.details || {}).items || []).slice(0, 3).map(i => (i.node || {}).snippet || i.url || i.description || "").join(" ");
					console.error(`${process.argv[2]}: ${c}: ${x.id} ${x.score} ${x.displayValue || ""} ${where}`);
				}
			}
			console.log([process.argv[2], ...all.map(score), r.audits["total-byte-weight"].displayValue.replace(/[^0-9.,KMGi ]*B?.*size was /, "")].join(" | "));
			process.exitCode = all.some(c => score(c) < +process.argv[3]) ? 3 : 0;
		' "$dir/$name-$form.json" "$name, $form" "$least") || bad=1
		rows+="| $row |"$'\n'
	done
done

table="| page | performance | accessibility | best practices | weight, images too |
|---|---|---|---|---|
$rows"
echo "$table"
if [[ -n $document ]]; then
	{
		sed '/<!-- measured: lighthouse -->/q' "$document"
		printf 'Lighthouse %s, %s.\n\n%s' "$version" "$(date -u +%Y-%m-%d)" "$table"
		sed -n '/<!-- end: lighthouse -->/,$p' "$document"
	} >"$dir/document"
	cp "$dir/document" "$document"
fi
exit $bad
