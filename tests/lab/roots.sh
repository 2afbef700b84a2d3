# shellcheck shell=bash
# Root file systems of Debian 12, kept in the cache; sourced by lib.sh.
#
# A base tree from debootstrap, and layers of packages on top of it (overlayfs).
# Each lies in a directory whose name ends in a key made of its recipe and of
# what it is based on: a changed recipe builds a new one, and a lab that runs on
# the old one is not disturbed.

LAB_SUITE=bookworm
ROOTS=$LAB_CACHE/rootfs
# As it is called inside Debian 12; newer releases may call it .pgp.
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

key() { sha256sum | cut -c1-12; }

# ---- the archive ----------------------------------------------------------

# The archives that this machine's own sources name: "URI CODENAME" a line.
archives() {
	# shellcheck disable=SC2016 # apt expands these, not the shell
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
		awk '$3 == "main" { print $1, $2 }' | sort -u
}

archive_of() { archives | awk -v s="$1" '$2 == s { print $1; exit }'; }

host_codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# mirror [SUFFIX]: where this machine gets Debian 12 from, or would get it: the
# place of its own release. SUFFIX is "" or "-security".
mirror() {
	local uri
	uri=$(archive_of "$LAB_SUITE${1:-}")
	[ -n "$uri" ] || uri=$(archive_of "$(host_codename)${1:-}")
	printf '%s\n' "$uri"
}

# sources deb|deb-src: lines for a sources.list.
sources() {
	local sec
	printf '%s [signed-by=%s] %s %s main\n' "$1" "$KEYRING" "$(mirror)" "$LAB_SUITE"
	sec=$(mirror -security)
	[ -z "$sec" ] || printf '%s [signed-by=%s] %s %s-security main\n' "$1" "$KEYRING" "$sec" "$LAB_SUITE"
}

# The key ring on this machine.
host_keyring() {
	local k=$KEYRING
	[ -e "$k" ] || k=${k%.gpg}.pgp
	[ -e "$k" ] || apt_install debian-archive-keyring || exit 1
	[ -e "$k" ] || k=$KEYRING
	printf '%s\n' "$k"
}

need_mirror() {
	[ -n "$(mirror)" ] || apt_update
	[ -n "$(mirror)" ] || die "this machine's apt sources name no Debian archive ($LAB_SUITE or its own release, main)"
}

# host_apt DIR: what of this machine's apt settings a root needs to reach the same archive.
host_apt() {
	apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$1/apt.conf" || true
	[ -r /etc/ssl/certs/ca-certificates.crt ] || return 0
	cp /etc/ssl/certs/ca-certificates.crt "$1/ca.crt"
	printf 'Acquire::https::CAInfo "/run/out/ca.crt";\n' >>"$1/apt.conf"
}

# ---- recipes and their results ------------------------------------------------

# recipe NAME: the key of roots/NAME and all that it depends on.
recipe() {
	{
		[ "$1" = base ] || recipe base
		cat "$LAB_SRC/roots/$1" "$LAB_SRC/root-install" "$LAB_SRC/root-run"
		# What it compiles.
		find "$LAB_SRC/$1" -name '*.go' -exec cat {} + 2>/dev/null || true
		declare -f base_tree layer_tree
	} | key
}

root_dir() { printf '%s/%s-%s\n' "$ROOTS" "$1" "$(recipe "$1")"; }

# root_layers NAME: for lowerdir=, this layer and the base below it.
root_layers() { printf '%s:%s\n' "$(root_dir "$1")" "$(root_dir base)"; }

# once STAMP COMMAND...: run the command unless the stamp is there; of several
# processes only one does so, the others wait for it.
once() (
	stamp=$1
	shift
	mkdir -p "$LAB_CACHE/locks"
	exec 8>"$LAB_CACHE/locks/$(printf '%s' "$stamp" | key)"
	flock 8
	[ -e "$stamp" ] || "$@" 8>&- || exit 1
	touch "$stamp"
)

# build_root NAME: base, or a layer on it.
build_root() {
	local d
	d=$(root_dir "$1")
	if [ "$1" = base ]; then
		once "$d/.complete" base_tree "$d"
	else
		build_root base
		once "$d/.complete" layer_tree "$1" "$d"
	fi
}

# drop_tree NAME: only what it left in its .out directory is wanted.
drop_tree() {
	local d
	d=$(root_dir "$1")
	find "$d" -mindepth 1 -maxdepth 1 ! -name .complete -exec rm -rf --one-file-system {} +
}

base_tree() {
	local t=$1 s packages keyring
	need debootstrap debootstrap
	need_mirror
	keyring=$(host_keyring)
	say "building a Debian 12 root (about a minute)"
	rm -rf --one-file-system "$t"
	mkdir -p "$ROOTS"
	# shellcheck source=/dev/null
	. "$LAB_SRC/roots/base"
	debootstrap --variant=minbase --force-check-gpg --keyring="$keyring" --include="${packages// /,}" \
		"$LAB_SUITE" "$t" "$(mirror)" >"$LAB_CACHE/debootstrap.log" 2>&1 ||
		die "debootstrap failed, see $LAB_CACHE/debootstrap.log"
	# Services never start during installation.
	printf '#!/bin/sh\nexit 101\n' >"$t/usr/sbin/policy-rc.d"
	chmod 755 "$t/usr/sbin/policy-rc.d"
	rm -f "$t"/etc/ssh/ssh_host_* "$t/etc/resolv.conf"
	for s in systemd-resolved.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
		fstrim.timer dpkg-db-backup.timer; do
		ln -sf /dev/null "$t/etc/systemd/system/$s"
	done
	rm -rf --one-file-system "$t"/var/cache/apt/archives/*.deb "$t/usr/share/doc" "$t/usr/share/man"
}

# layer_tree NAME DIR: DIR becomes the upper layer with what roots/NAME asks for.
layer_tree() {
	local name=$1 up=$2
	say "building '$name' (log: $LAB_CACHE/$name.log)"
	need_mirror
	rm -rf --one-file-system "$up" "$up.work" "$up.out"
	mkdir -p "$up" "$up.work" "$up.out" "$ROOTS/.mnt"
	host_apt "$up.out"
	{ sources deb; sources deb-src; } >"$up.out/sources.list"
	unshare --mount "$LAB_SRC/root-run" "$ROOTS/.mnt" "$(root_dir base)" "$up" \
		"$LAB_SRC:/run/lab" "$up.out:/run/out" -- /run/lab/root-install "/run/lab/roots/$name" \
		>"$LAB_CACHE/$name.log" 2>&1 </dev/null || die "building '$name' failed, see $LAB_CACHE/$name.log"
	rm -rf --one-file-system "$up.work"
}

# Roots that nothing used for a week and no lab runs on.
prune_roots() {
	local d
	for d in "$ROOTS"/*/.complete; do
		[ -n "$(find "$d" -mtime +7 2>/dev/null)" ] || continue
		d=${d%/.complete}
		grep -qsF "$d" /proc/*/mountinfo || rm -rf --one-file-system "$d" "$d.out"
	done
}
