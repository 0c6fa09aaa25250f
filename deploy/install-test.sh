#!/usr/bin/env bash
# From a bare Debian with 1 GiB to a group video call: what docs/install.md says, command by command, in a system of its own that
# systemd boots, behind a network of its own. Needs root, debootstrap, systemd-container, Chromium; NEOCHAT_DIST is `make deb`'s folder.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${NEOCHAT_DIST:?is the folder that make deb filled}"
[ "$(id -u)" = 0 ] || { echo 'needs root'; exit 1; }
for c in debootstrap systemd-nspawn chromium openssl ip; do
	command -v $c >/dev/null || { echo "$c is missing: apt-get install debootstrap systemd-container chromium openssl iproute2"; exit 1; }
done

suite=bookworm
arch=$(dpkg --print-architecture)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/neochat-tests"
pebble_version=v2.10.3
id=nc$$
work=$(mktemp -d /tmp/neochat-install-XXXXXX)
root=$work/root
server=$id-s
client=$id-c
password='correct horse 42'
machine= authority= group=

finish() {
	code=$?
	set +e
	if [ $code != 0 ]; then
		echo "failed; what the service said last:"
		journalctl --no-pager -q -D "$root/var/log/journal" -u neochat -n 30 2>/dev/null || inside journalctl --no-pager -q -u neochat -n 30
	fi
	[ -z "$authority" ] || kill "$authority"
	if [ -n "$machine" ]; then
		kill -RTMIN+4 "$init" 2>/dev/null # systemd's poweroff
		for _ in $(seq 100); do kill -0 "$machine" 2>/dev/null || break; sleep 0.1; done
		kill -KILL "$init" "$machine" 2>/dev/null
		wait "$machine" 2>/dev/null
	fi
	for n in $server $client; do ip netns delete "$n" 2>/dev/null; done
	rm -rf "/etc/netns/$client" "/etc/netns/$server"
	[ -z "$group" ] || rmdir "$group" 2>/dev/null
	rm -rf --one-file-system "$work"
	exit $code
}
trap finish EXIT

begun=0 what=
step() {
	now=$(date +%s%N)
	[ -z "$what" ] || printf '%8d ms  %s\n' $(((now - begun) / 1000000)) "$what"
	what=$1 begun=$now
}
inside() { nsenter --target "$init" --all --wdns=/root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 "$@"; }
outside() { ip netns exec $client "$@"; }
fail() { echo "$*"; exit 1; }

step 'a bare Debian (kept in the cache folder)'
mkdir -p "$cache" "$root"
packages=systemd,systemd-sysv,dbus,ca-certificates,iproute2
if [ ! -e "$cache/debian-$suite-$arch.tar" ]; then
	debootstrap --variant=minbase --include=$packages $suite "$work/made" http://deb.debian.org/debian >"$work/debootstrap.log" || { tail "$work/debootstrap.log"; exit 1; }
	tar -C "$work/made" -cf "$cache/debian-$suite-$arch.tar.new" .
	mv "$cache/debian-$suite-$arch.tar.new" "$cache/debian-$suite-$arch.tar"
	rm -rf --one-file-system "$work/made"
fi
tar -C "$root" -xf "$cache/debian-$suite-$arch.tar"

step 'a network between it and its users'
ip netns add $server
ip netns add $client
ip -n $server link add eth0 type veth peer name eth0 netns $client
# Documentation addresses (RFC 5737): to the server they are as good as public ones.
for side in "$server 203.0.113.1" "$client 203.0.113.2"; do
	set -- $side
	ip -n "$1" address add "$2/24" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" link set lo up
done
mkdir -p /etc/netns/$client
printf '127.0.0.1 localhost\n203.0.113.1 chat.example.org\n203.0.113.2 acme.example.org\n' | tee "/etc/netns/$client/hosts" >"$root/etc/hosts"
: >"$root/etc/resolv.conf"

step 'an ACME authority in the network'
authority_bin=$cache/pebble-$pebble_version/pebble
[ -x "$authority_bin" ] || GOBIN=$(dirname "$authority_bin") GOFLAGS='' go install "github.com/letsencrypt/pebble/v2/cmd/pebble@$pebble_version"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=acme.example.org -addext subjectAltName=DNS:acme.example.org \
	-keyout "$work/acme.key" -out "$work/acme.crt" 2>/dev/null
cat >"$work/pebble.json" <<EOF
{"pebble": {"listenAddress": "203.0.113.2:14000", "managementListenAddress": "203.0.113.2:15000", "certificate": "$work/acme.crt", "privateKey": "$work/acme.key",
 "httpPort": 80, "tlsPort": 443, "keyAlgorithm": "ecdsa", "retryAfter": {"authz": 1, "order": 1}, "profiles": {"default": {"description": "for tests", "validityPeriod": 7776000}}}}
EOF
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 ip netns exec $client "$authority_bin" -config "$work/pebble.json" >"$work/pebble.log" 2>&1 &
authority=$!
for _ in $(seq 100); do outside curl -fsS --cacert "$work/acme.crt" -o "$work/root.pem" https://acme.example.org:15000/roots/0 2>/dev/null && break; sleep 0.1; done
[ -s "$work/root.pem" ] || fail "no ACME authority: $(tail -3 "$work/pebble.log")"
# The internet's authorities are known to a machine; this one has to be made known, and named.
cp "$work/acme.crt" "$root/usr/local/share/ca-certificates/acme.crt"
chroot "$root" update-ca-certificates >/dev/null 2>&1
mkdir -p "$root/etc/neochat"
echo NEOCHAT_ACME_DIRECTORY=https://acme.example.org:14000/dir >"$root/etc/neochat/environment"

step 'booting it, with 1 GiB of memory'
if [ -d /sys/fs/cgroup/memory ]; then
	group=/sys/fs/cgroup/memory/$id
	mkdir "$group" && echo 1G >"$group/memory.limit_in_bytes"
else
	group=/sys/fs/cgroup/$id
	mkdir "$group" && echo 1G >"$group/memory.max"
fi
sh -c "echo \$\$ >'$group/cgroup.procs'; exec systemd-nspawn --quiet --directory='$root' --boot --register=no --keep-unit --machine=$id --hostname=chat --timezone=off --resolv-conf=off \
	--network-namespace-path=/run/netns/$server --console=pipe" >"$work/boot.log" 2>&1 </dev/null &
machine=$!
init=
for _ in $(seq 300); do
	init=$(pgrep --parent "$machine" || true)
	state=$([ -z "$init" ] || inside systemctl is-system-running 2>/dev/null || true)
	[ "$state" = running ] && break
	sleep 0.1
done
[ "$state" = running ] || fail "it does not boot: $state $(cat "$work/boot.log")"
cp "$NEOCHAT_DIST"/neochat_*_"$arch".deb "$root/root/"
printf '%s\n' "$password" >"$root/root/password"
cp -r "$root/etc/hosts" "$work/hosts"

# documented prints the commands below a heading of docs/install.md.
documented() { awk -v heading="## $1" '$0 == heading {on = 1; next} /^## / {on = 0} on && /^    / {sub(/^    /, ""); print}' docs/install.md | sed "s/_amd64/_$arch/"; }
total=$(date +%s%N)
link=
while IFS= read -r command; do
	step "# $command"
	if [ "$command" = 'neochat setup' ]; then
		# Typed, as a person does, and broken off: what follows says it at once.
		printf 'nonsense\n' | inside sh -c "$command" >"$work/said" 2>&1 && fail 'setup took nonsense'
		grep -q 'is no name' "$work/said" || fail "$(cat "$work/said")"
		[ ! -e "$root/etc/neochat/neochat.toml" ] || fail 'nonsense left a configuration'
		inside systemctl start neochat 2>/dev/null && fail 'an unconfigured service starts'
		continue
	fi
	inside sh -c "$command" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
	case $command in
	*setup*) cat "$work/said"; link=$(sed -n 's/^invite others (.*): //p' "$work/said") ;;
	esac
done < <(documented 'Five minutes')
[ -n "$link" ] || fail 'setup gave no link'

step 'the certificate is there, and the page, by https from outside'
for _ in $(seq 300); do outside curl -fsS --cacert "$work/root.pem" https://chat.example.org/readyz >"$work/said" 2>&1 && break; sleep 0.1; done
grep -q ready "$work/said" || fail "$(cat "$work/said")"
outside curl -fsS --cacert "$work/root.pem" https://chat.example.org/ | grep -q '<title>NeoChat' || fail 'no page'

step 'the service is confined as its unit says'
pid=$(inside systemctl show --property=MainPID --value neochat)
status=$(inside cat "/proc/$pid/status")
for line in 'Seccomp:	2' 'NoNewPrivs:	1' 'CapEff:	0000000000000400' 'CapBnd:	0000000000000400'; do
	grep -qx "$line" <<<"$status" || fail "not $line in: $status"
done
inside systemd-analyze security --no-pager neochat | tail -n 1 | grep -oE '[0-9.]+ .*'
[ "$(inside stat -c %U /proc/"$pid")" = neochat ] || fail 'it is not of its own user'
[ -z "$(inside find /var/lib/neochat ! -user neochat)" ] || fail "not all data is the service's: $(inside find /var/lib/neochat ! -user neochat)"

step 'a chat over wss, of one who comes by invitation'
export NEOCHAT_PASSWORD="$password" SSL_CERT_FILE="$work/root.pem"
binary=$(echo "$NEOCHAT_DIST"/neochat-*-linux-"$arch")
printf '/to ann\nhello from the terminal\n' | outside "$binary" chat --server https://chat.example.org --account dora --register --invite "${link#*invite=}" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
unset NEOCHAT_PASSWORD SSL_CERT_FILE

step 'a group video call of three in Chromium'
key=$(outside openssl s_client -connect chat.example.org:443 -servername chat.example.org </dev/null 2>/dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)
outside node clients/web/e2e/install-call.mjs "$link" "$key" || fail 'no call'
printf '%8d ms  from the first command to the end of the call\n' $((($(date +%s%N) - total) / 1000000))

while IFS= read -r command; do
	step "# $command"
	inside sh -c "$command" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
done < <(documented 'Looking after it')
grep -q . "$work/said" && cat "$work/said"
inside neochat user list | grep -q '^bob ' || fail 'bob was not made'
[ -z "$(inside find /var/lib/neochat ! -user neochat)" ] || fail "root left files: $(inside find /var/lib/neochat ! -user neochat)"

step 'memory at rest'
sleep 8 # what it used is given back after 3 s without work
pid=$(inside systemctl show --property=MainPID --value neochat)
printf '             %s\n' "$(inside grep VmRSS /proc/"$pid"/status)"
largest=$(cat "$group/memory.max_usage_in_bytes" 2>/dev/null || cat "$group/memory.peak")
printf '             the whole system used at most %d MiB\n' $((largest >> 20))

step 'setup again: nothing changes'
before=$(inside sh -c 'cat /etc/neochat/neochat.toml; neochat user list')
inside neochat setup --yes --domain chat.example.org --mail you@example.org --account ann --password-file password >"$work/said" 2>&1 || fail "$(cat "$work/said")"
[ "$before" = "$(inside sh -c 'cat /etc/neochat/neochat.toml; neochat user list')" ] || fail 'it changed'
[ "$pid" = "$(inside systemctl show --property=MainPID --value neochat)" ] || fail 'the service was started anew'

: >"$root/etc/neochat/environment" # the authority was for this test alone
while IFS= read -r command; do
	step "# $command"
	inside sh -c "$command" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
	grep certificate -A1 "$work/said"
done < <(documented 'A network of your own, without a name')
for _ in $(seq 100); do outside curl -fsSk https://203.0.113.1/readyz >/dev/null 2>&1 && break; sleep 0.1; done
outside curl -fsSk https://203.0.113.1/readyz >/dev/null || fail 'it does not serve by its address'

step 'the same package again, as an upgrade does: the service is a new one, nothing is asked'
pid=$(inside systemctl show --property=MainPID --value neochat)
inside sh -c "apt-get install -y --reinstall ./neochat_*_$arch.deb </dev/null" >"$work/said" 2>&1 || fail "$(cat "$work/said")"
inside systemctl is-active --quiet neochat || fail 'it does not run after the upgrade'
[ "$pid" != "$(inside systemctl show --property=MainPID --value neochat)" ] || fail 'the old one still runs'

step 'remove, then purge'
inside apt-get remove -y neochat >"$work/said" 2>&1 || fail "$(cat "$work/said")"
inside systemctl is-active --quiet neochat && fail 'it runs on'
[ -e "$root/var/lib/neochat/neochat.db" ] && [ -e "$root/etc/neochat/neochat.toml" ] || fail 'remove took data or configuration'
inside apt-get purge -y neochat >"$work/said" 2>&1 || fail "$(cat "$work/said")"
[ ! -e "$root/var/lib/neochat" ] && [ ! -e "$root/etc/neochat" ] || fail 'purge left data or configuration'
inside getent passwd neochat >/dev/null && fail 'purge left the user'
step done
