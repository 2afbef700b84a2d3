# shellcheck shell=bash
# How a Director controller of the lab is made; sourced by controllers.sh.

# Where an adoption writes on a controller.
# shellcheck disable=SC2034 # read in faults.sh
WRITE_DIRS='/etc/sysconfig/network-scripts /var/lib/config-data/puppet-generated/octavia/etc/octavia /tmp /var/tmp /home/tripleo-admin'

ip_of() { printf '%s.%s\n' "$LAB_NET" "$((10 + $1))"; }
far_ip_of() { printf '%s.%s\n' "$LAB_NET" "$((110 + $1))"; }

services() {
	local hm=health_manager
	[ "$STYLE" != seed ] || hm=healthmanager
	printf 'tripleo_octavia_%s\n' api worker "$hm" housekeeping rsyslog driver_agent
}

keys() {
	mkdir -p "$S/hostkeys"
	chmod 700 "$S"
	[ -s "$S/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C lab -f "$S/id_ed25519"
	[ -s "$S/id_rsa" ] || ssh-keygen -q -t rsa -b 3072 -N '' -C lab-rsa -f "$S/id_rsa"
	[ -s "$S/id_ecdsa" ] || ssh-keygen -q -t ecdsa -N '' -C lab-ecdsa -f "$S/id_ecdsa"
	[ -s "$S/id_passphrase" ] || ssh-keygen -q -t ed25519 -N lab-passphrase -C lab-passphrase -f "$S/id_passphrase"
	[ -s "$S/id_unknown" ] || ssh-keygen -q -t ed25519 -N '' -C not-authorized -f "$S/id_unknown"
	cat "$S"/id_{ed25519,rsa,ecdsa,passphrase}.pub >"$S/authorized_keys"
	local i t
	: >"$S/known_hosts.new"
	: >"$S/known_hosts.wrong.new"
	: >"$S/config.new"
	for ((i = 1; i <= N; i++)); do
		for t in ed25519 rsa; do
			[ -s "$S/hostkeys/ctl$i.$t" ] ||
				ssh-keygen -q -t "$t" -N '' -C "ctl$i" -f "$S/hostkeys/ctl$i.$t"
			printf '%s,ctl%s,controller-%s %s\n' "$(ip_of "$i"),$(far_ip_of "$i")" "$i" "$((i - 1))" \
				"$(cut -d' ' -f1,2 "$S/hostkeys/ctl$i.$t.pub")" >>"$S/known_hosts.new"
		done
		printf '%s,ctl%s,controller-%s %s\n' "$(ip_of "$i")" "$i" "$((i - 1))" \
			"$(cut -d' ' -f1,2 "$S/id_unknown.pub")" >>"$S/known_hosts.wrong.new"
		cat >>"$S/config.new" <<-CONF
			Host ctl$i controller-$((i - 1))
			  HostName $(ip_of "$i")
			  HostKeyAlias ctl$i
		CONF
	done
	config_common "$S/config.new"
	local f
	for f in known_hosts known_hosts.wrong config; do
		mv "$S/$f.new" "$S/$f"
	done
	cp "$S/known_hosts" "$S/known_hosts.hashed"
	ssh-keygen -q -H -f "$S/known_hosts.hashed" >/dev/null 2>&1
	rm -f "$S/known_hosts.hashed.old"
	for ((i = 1; i <= N; i++)); do
		printf 'Host ctl%s\n  HostName %s\n  HostKeyAlias ctl%s\n' "$i" "$(far_ip_of "$i")" "$i"
	done >"$S/config.latency"
	config_common "$S/config.latency"
	tool_config "$LAB_DIR/octavia-adopt.yaml" ip_of
	tool_config "$LAB_DIR/octavia-adopt.latency.yaml" far_ip_of
}

config_common() {
	cat >>"$1" <<-CONF
		Host ctl* controller-* $LAB_NET.*
		  User tripleo-admin
		  IdentityFile $S/id_ed25519
		  IdentitiesOnly yes
		  UserKnownHostsFile $S/known_hosts
		  GlobalKnownHostsFile /dev/null
		  StrictHostKeyChecking yes
		  ConnectTimeout 10
	CONF
}

# tool_config FILE ip_of|far_ip_of: the configuration of oc octavia-adopt for this lab.
tool_config() {
	local i
	{
		printf 'apiVersion: octavia-adopt/v1\nkind: AdoptionConfig\ncontrolPlane: openstack\ncontrollers:\n'
		for ((i = 1; i <= N; i++)); do
			printf -- '- {host: %s, user: tripleo-admin, port: 22, identityFile: %s}\n' "$("$2" "$i")" "$S/id_ed25519"
		done
		printf 'ssh: {knownHosts: %s}\n' "$S/known_hosts"
		printf 'octavia: {amphoraImageContainerImage: "registry.example/octavia-amphora-image:lab"}\n'
	} >"$1"
}

# grace_of CONTAINER: podman's -t, as TripleO sets it but shorter (300 and 10 there).
grace_of() {
	case $1 in
	octavia_worker | octavia_health*manager | octavia_housekeeping) echo "${LAB_GRACE:-20}" ;;
	*) echo 4 ;;
	esac
}

# unit ROOT NAME [idle]: one tripleo unit, as tripleo_ansible writes them; an idle
# one is neither enabled nor running.
unit() {
	local r=$1 name=$2 c=${2#tripleo_} grace
	grace=$(grace_of "$c")
	mkdir -p "$r/etc/octavia-lab/containers" "$r/etc/systemd/system/multi-user.target.wants"
	: >"$r/etc/octavia-lab/containers/$c"
	cat >"$r/etc/systemd/system/$name.service" <<-UNIT
		[Unit]
		Description=$c container
		After=network.target
		[Service]
		Restart=always
		ExecStart=/usr/bin/podman start $c
		ExecReload=/usr/bin/podman kill --signal HUP $c
		ExecStop=/usr/bin/podman stop -t $grace $c
		ExecStopPost=/usr/bin/podman stop -t $grace $c
		SuccessExitStatus=137 142 143
		TimeoutStopSec=${LAB_TIMEOUT_STOP:-6}
		KillMode=none
		Type=forking
		PIDFile=/run/$c.pid
		[Install]
		WantedBy=multi-user.target
	UNIT
	if [ "${3:-}" = idle ]; then
		echo "$name" >>"$r/var/lib/lab-pristine/idle"
	else
		ln -sf "../$name.service" "$r/etc/systemd/system/multi-user.target.wants/$name.service"
		echo "$name" >>"$r/var/lib/lab-pristine/units"
	fi
}

units_of() {
	local r=$1 s
	mkdir -p "$r/var/lib/lab-pristine"
	: >"$r/var/lib/lab-pristine/units"
	: >"$r/var/lib/lab-pristine/idle"
	# Octavia, and neighbours that an adoption must leave alone.
	for s in $(services) tripleo_keystone tripleo_nova_api tripleo_neutron_api tripleo_ovn_controller; do
		unit "$r" "$s"
	done
	# An earlier adoption step stopped the Director's OVN databases.
	for s in north_db_server south_db_server northd; do
		unit "$r" "tripleo_ovn_cluster_$s" idle
	done
}

# pristine ROOT: a copy of all that faults and adoptions touch, for lab-heal.
pristine() {
	local r=$1 p=$1/var/lib/lab-pristine d pattern
	cat >"$p/touched" <<-'LIST'
		/etc/systemd/system tripleo_*
		/etc/systemd/system/multi-user.target.wants tripleo_*
		/etc/ssh ssh_host_*
		/etc/sudoers.d tripleo-admin
		/etc/octavia-lab containers
		/etc/sysconfig/network-scripts ifcfg-*
		/var/lib/config-data/puppet-generated/octavia/etc octavia
	LIST
	[ "$PACEMAKER" != 1 ] || echo "$RESOURCE" >"$p/pacemaker"
	rm -rf "$p/root"
	while read -r d pattern; do
		mkdir -p "$p/root$d"
		find "$r$d" -maxdepth 1 -name "$pattern" -exec cp -a -t "$p/root$d" {} +
	done <"$p/touched"
}

# prepare N: the root of ctlN, ready to boot.
prepare() {
	local i=$1 r
	machine_prepare "ctl$1" controller
	r=$(mdir "ctl$1")/root
	[ ! -e "$r/etc/octavia-lab/.prepared" ] || return 0
	mkdir -p "$r/etc/octavia-lab"
	cp -R "$LAB_SRC/controllers/root/." "$r/"
	prepare_network "$r" "$i"
	prepare_octavia "$r" "$i"
	prepare_access "$r" "$i"
	units_of "$r"
	# The Director's database, a container of Pacemaker's and not a unit's.
	printf '%s\n' "$OPENSTACK_IP" >"$r/etc/octavia-lab/containers/galera-bundle-podman-$((i - 1))"
	if [ "$PACEMAKER" = 1 ]; then
		pacemaker_config "$r"
	else
		pacemaker_off "$r"
	fi
	pristine "$r"
	touch "$r/etc/octavia-lab/.prepared"
}

prepare_network() {
	local r=$1 s
	# The Director's internal VIP; here each controller has it for itself.
	printf '#!/bin/sh\nip addr replace 172.17.0.10/32 dev lo\n' >"$r/etc/lab-net"
	chmod 755 "$r/etc/lab-net"
	sed -i "s/^IPADDR=.*/IPADDR=$OLD_MGMT.0.$((10 + $2))/" "$r/etc/sysconfig/network-scripts/ifcfg-o-hm0"
	{
		printf '127.0.0.1 localhost\n'
		for ((s = 1; s <= N; s++)); do
			printf '%s ctl%s ctl%s.internalapi.localdomain controller-%s\n' "$(ip_of "$s")" "$s" "$s" "$((s - 1))"
		done
	} >"$r/etc/hosts"
}

prepare_octavia() {
	local d=$1/var/lib/config-data/puppet-generated/octavia/etc/octavia
	chmod 640 "$d/octavia.conf"
	sed -i "s/172\.28\./$OLD_MGMT./g; s/^bind_ip=.*/bind_ip=$OLD_MGMT.0.$((10 + $2))/" "$d/octavia.conf"
	mkdir -p "$d/certs"
	cp -R "$S/octavia-certs/." "$d/certs/"
	chmod 600 "$d/certs/client.pem" "$d/certs/private/cakey.pem"
}

# Host keys; the user tripleo-admin with its keys and sudo.
prepare_access() {
	local r=$1 t
	for t in ed25519 rsa; do
		install -m 600 "$S/hostkeys/ctl$2.$t" "$r/etc/ssh/ssh_host_${t}_key"
		install -m 644 "$S/hostkeys/ctl$2.$t.pub" "$r/etc/ssh/ssh_host_${t}_key.pub"
	done
	chroot "$r" id tripleo-admin >/dev/null 2>&1 || chroot "$r" useradd -m -s /bin/bash tripleo-admin
	# A password for the fault that makes sudo ask for one.
	printf 'tripleo-admin:lab-password\n' | chroot "$r" chpasswd
	printf 'tripleo-admin ALL=(ALL) NOPASSWD:ALL\n' >"$r/etc/sudoers.d/tripleo-admin"
	chmod 440 "$r/etc/sudoers.d/tripleo-admin"
	chroot "$r" install -d -m 700 -o tripleo-admin -g tripleo-admin /home/tripleo-admin/.ssh
	install -m 600 "$S/authorized_keys" "$r/home/tripleo-admin/.ssh/authorized_keys"
	chroot "$r" chown tripleo-admin:tripleo-admin /home/tripleo-admin/.ssh/authorized_keys
}

pacemaker_off() {
	local u
	for u in corosync pacemaker; do
		rm -f "$1/etc/systemd/system/multi-user.target.wants/$u.service"
	done
	rm -f "$1/etc/systemd/system/multi-user.target.wants/"{pcsd,redis-server}.service
}

corosync_conf() {
	local s
	cat <<-CONF
		totem {
		  version: 2
		  cluster_name: tripleo_cluster
		  transport: knet
		  token: 3000
		  crypto_cipher: aes256
		  crypto_hash: sha256
		}
		system {
		  allow_knet_handle_fallback: yes
		  sched_rr: no
		  move_to_root_cgroup: no
		}
		quorum {
		  provider: corosync_votequorum
		}
		logging {
		  to_syslog: yes
		}
		nodelist {
	CONF
	for ((s = 1; s <= N; s++)); do
		printf '  node {\n    ring0_addr: %s\n    name: ctl%s\n    nodeid: %s\n  }\n' "$(ip_of "$s")" "$s" "$s"
	done
	printf '}\n'
}

# first_cib ROOT: the same first CIB on all nodes, so that they agree at once.
first_cib() {
	[ ! -s "$LAB_DIR/cib.xml" ] || return 0
	# shellcheck disable=SC2016 # the inner shell expands
	chroot "$1" sh -ec '
		export HOME=/root LC_ALL=C.UTF-8
		cibadmin --empty >/tmp/cib.xml
		pcs -f /tmp/cib.xml property set stonith-enabled=false \
			dc-deadtime=2s no-quorum-policy=stop
		pcs -f /tmp/cib.xml resource create "$1" ocf:heartbeat:redis wait_last_known_master=true \
			op monitor interval=10s op monitor interval=7s role=Promoted \
			promotable notify=true ordered=true interleave=true --force
		pcs -f /tmp/cib.xml resource create haproxy-lab ocf:pacemaker:Dummy --force
	' sh "$RESOURCE" >"$LAB_DIR/cib.log" 2>&1 || die "see $LAB_DIR/cib.log"
	mv "$1/tmp/cib.xml" "$LAB_DIR/cib.xml"
}

pacemaker_config() {
	local r=$1 s
	pacemaker_off "$r"
	[ -s "$LAB_DIR/corosync.authkey" ] || head -c 256 /dev/urandom >"$LAB_DIR/corosync.authkey"
	install -m 400 "$LAB_DIR/corosync.authkey" "$r/etc/corosync/authkey"
	corosync_conf >"$r/etc/corosync/corosync.conf"
	first_cib "$r"
	mkdir -p "$r/var/lib/pacemaker/cib"
	rm -f "$r"/var/lib/pacemaker/cib/*
	cp "$LAB_DIR/cib.xml" "$r/var/lib/pacemaker/cib/cib.xml"
	chroot "$r" chown hacluster:haclient /var/lib/pacemaker/cib/cib.xml
	chmod 600 "$r/var/lib/pacemaker/cib/cib.xml"
	for s in corosync pacemaker; do
		ln -sf "/lib/systemd/system/$s.service" "$r/etc/systemd/system/multi-user.target.wants/$s.service"
	done
	printf 'bind 0.0.0.0\nprotected-mode no\nport 6379\ndir /var/lib/redis\nsave ""\n' >"$r/etc/redis/redis.conf"
	chroot "$r" chown redis:redis /etc/redis/redis.conf
}
