# shellcheck shell=bash
# How the machine "os" is made; sourced by openstack.sh.

# ---- databases, initialised once and kept in the cache -------------------------

# They do not depend on a lab's addresses, see lab-site.
data_dir() {
	printf '%s/openstack-data-%s\n' "$ROOTS" "$({
		recipe openstack
		cat "$LAB_SRC/openstack/init.sh" "$LAB_SRC/openstack/root/etc/mysql/mariadb.conf.d/99-lab.cnf"
		declare -f databases
	} | key)"
}

# In a machine of its own, so that it does not matter which labs run.
databases() (
	m=osb
	d=$(mdir "$m")
	target=$(data_dir)
	say "initialising the databases (about a minute)"
	mkdir -p "$LAB_DIR" "$d"
	touch "$LAB_DIR/.octavia-lab"
	trap 'machine_stop $m; rm -rf --one-file-system "$d"; net_down' EXIT
	pki_ca
	net_up
	machine_prepare $m openstack
	configure "$d/root" "$LAB_NET.21"
	rm -f "$d/root/etc/lab-net" "$d/root/etc/systemd/system/multi-user.target.wants/"{keystone,lab-amphorae}.service
	rm -f "$d/root/etc/systemd/system/multi-user.target.wants/"{mariadb,rabbitmq-server}.service
	# Its endpoints stay as they are named at first.
	sed -i '/lab-site/d' "$d/root/etc/systemd/system/keystone.service"
	machine_boot $m "$LAB_NET.21"
	wait_for 180 "$m" machine_exec $m systemctl is-active dbus.service || die "see $d/console.log"
	install -m 755 "$LAB_SRC/openstack/init.sh" "$d/root/usr/local/sbin/lab-init"
	machine_exec $m lab-init "$ADMIN_PASSWORD" >"$LAB_CACHE/openstack-init.log" 2>&1 ||
		die "see $LAB_CACHE/openstack-init.log"
	machine_stop $m
	rm -rf --one-file-system "$target"
	mkdir -p "$target/var/lib" "$target/etc/keystone"
	for p in mysql rabbitmq ovn; do
		cp -a "$d/upper/var/lib/$p" "$target/var/lib/"
	done
	cp -a "$d/upper/etc/keystone/"{fernet,credential}-keys "$target/etc/keystone/"
)

# ---- the machine ------------------------------------------------------------------

prepare() {
	local d
	d=$(mdir "$M")
	mkdir -p "$d/upper" "$d/work" "$d/root"
	mountpoint -q "$d/root" || mount -t overlay overlay \
		-o "lowerdir=$(data_dir):$(root_layers openstack),upperdir=$d/upper,workdir=$d/work" "$d/root"
	configure "$d/root" "$OPENSTACK_IP"
	# Certificates that the amphorae of before have, and demand.
	mkdir -p "$d/root/etc/lab/old-certs"
	cp -R "$OLD_CERTS/." "$d/root/etc/lab/old-certs/"
}

# configure ROOT IP: the files that differ from one lab to another.
configure() {
	local r=$1 ip=$2 u
	# A second lab may have another name for it in the same certificate.
	pki_cert openstack '/CN=openstack' \
		"IP:$OPENSTACK_IP,IP:127.0.0.1,DNS:os,DNS:keystone-public-$LAB_NS.apps.octavia.lab,DNS:octavia-public-$LAB_NS.apps.octavia.lab" \
		serverAuth
	cp -R "$LAB_SRC/openstack/root/." "$r/"
	find "$r/usr/local/lib/lab-amphorae" -name __pycache__ -prune -exec rm -rf {} +
	sed -i "s/OPENSTACK_IP/$ip/g" "$r/etc/octavia/octavia.conf"
	sed -i "s/^expiration=.*/expiration=${LAB_TOKEN_SECONDS:-3600}/" "$r/etc/keystone/keystone.conf"
	install -m 644 "$PKI/ca.crt" "$r/etc/lab/ca.crt"
	install -m 644 "$PKI/openstack.crt" "$r/etc/lab/server.crt"
	install -m 644 "$PKI/openstack.key" "$r/etc/lab/server.key"
	printf '%s\n' "$ip" >"$r/etc/lab/ip"
	printf '127.0.0.1 localhost\n127.0.0.1 os\n' >"$r/etc/hosts"
	ln -sf ../libexec/lab-amphorae "$r/usr/local/bin/lab-amphorae"
	printf '{"old_managers": ["%s"], "old_key": "lab-heartbeat-key-fedcba9876543210"}\n' \
		"${OLD_MANAGERS//,/\", \"}" >"$r/etc/lab/site.json"
	for u in api worker healthmanager housekeeping; do
		mkdir -p "$r/etc/octavia/$u.conf.d"
	done
	mkdir -p "$r/var/log/octavia"
	chroot "$r" chown -R octavia:octavia /var/log/octavia
	lab_net >"$r/etc/lab-net"
	chmod 755 "$r/etc/lab-net"
	for u in ssh epmd ovn-central octavia-api octavia-worker octavia-health-manager octavia-housekeeping octavia-driver-agent; do
		rm -f "$r/etc/systemd/system/multi-user.target.wants/$u.service"
	done
	for u in keystone lab-ovsdb lab-amphorae lab-compute-network; do
		ln -sf "../$u.service" "$r/etc/systemd/system/multi-user.target.wants/$u.service"
	done
}

# Every address of an amphora and of a new health manager is local to the machine;
# the old health managers' are in a name space of their own, because the new one
# listens on all addresses.
lab_net() {
	cat <<-NET
		#!/bin/sh
		set -e
		for net in 172.24.0.0/16 172.28.0.0/16 172.23.0.0/24; do
			ip route replace local \$net dev lo
		done
		ip netns add old
		ip link add old0 type veth peer name old1
		ip link set old1 netns old
		ip link set old0 up
		ip -n old link set lo up
		ip -n old link set old1 up
		ip -n old route replace default dev old1
		for ip in ${OLD_MANAGERS//,/ }; do
			ip -n old addr add \$ip/32 dev lo
			ip route replace \$ip/32 dev old0 table local
		done
	NET
}

clouds() {
	mkdir -p "$D"
	clouds_yaml >"$D/clouds.yaml"
	sed "s|$PKI|/etc/lab|" "$D/clouds.yaml" >"$R/etc/lab/clouds.yaml"
}

# cloud NAME USER PASSWORD PROJECT [KEY=VALUE...]: one entry.
cloud() {
	local name=$1 user=$2 password=$3 project=$4 url=https://$OPENSTACK_IP:5000/v3 region=regionOne ca=ca.crt
	shift 4
	[ $# = 0 ] || local "$@"
	printf '  %s: {auth: {auth_url: %s, username: %s, password: %s, project_name: %s, user_domain_name: Default, project_domain_name: Default}, region_name: %s, cacert: %s, identity_api_version: 3}\n' \
		"$name" "$url" "$user" "$password" "$project" "$region" "$PKI/$ca"
}

clouds_yaml() {
	printf 'clouds:\n'
	cloud default admin "$ADMIN_PASSWORD" admin
	cloud member member lab-member-password demo
	cloud reader reader lab-reader-password demo
	cloud lboperator lboperator lab-operator-password demo
	cloud unversioned admin "$ADMIN_PASSWORD" admin "url=https://$OPENSTACK_IP:5000"
	cloud wrong-password admin wrong admin
	cloud wrong-ca admin "$ADMIN_PASSWORD" admin ca=other-ca.crt
	cloud wrong-region admin "$ADMIN_PASSWORD" admin region=nowhere
	printf '  appcred: {auth_type: v3applicationcredential, auth: {auth_url: %s, application_credential_name: lab-appcred, application_credential_secret: lab-appcred-secret, username: admin, user_domain_name: Default}, region_name: regionOne, cacert: %s, identity_api_version: 3}\n' \
		"https://$OPENSTACK_IP:5000/v3" "$PKI/ca.crt"
}

# ---- a plain configuration, in place of the operator's ----------------------------

plain_config() {
	local d=$R/etc/octavia/$1.conf.d c=$R/etc/octavia/certs
	mkdir -p "$d" "$c"
	cat >"$d/00-default.conf" <<-'CONF'
		[controller_worker]
		client_ca=/etc/octavia/certs/client_ca.cert.pem
		[haproxy_amphora]
		client_cert=/etc/octavia/certs/client.cert-and-key.pem
		server_ca=/etc/octavia/certs/server_ca.cert.pem
		[certificates]
		ca_certificate=/etc/octavia/certs/server_ca.cert.pem
		ca_private_key=/etc/octavia/certs/server_ca.key.pem
		ca_private_key_passphrase=lab-ca-passphrase-0123456789abcd
		[health_manager]
		bind_ip=0.0.0.0
		controller_ip_port_list=172.23.0.97:5555,172.23.0.99:5555,172.23.0.101:5555
		heartbeat_key=lab-heartbeat-key-fedcba9876543210
	CONF
	{
		printf '[controller_worker]\nloadbalancer_topology=ACTIVE_STANDBY\n'
		[ "$1" != healthmanager ] || printf '[health_manager]\nfailover_threshold=1\n'
	} >"$d/01-custom.conf"
	cp "$OLD_CERTS/ca_01.pem" "$c/server_ca.cert.pem"
	cp "$OLD_CERTS/ca_01.pem" "$c/client_ca.cert.pem"
	cp "$OLD_CERTS/private/cakey.pem" "$c/server_ca.key.pem"
	cp "$OLD_CERTS/client.pem" "$c/client.cert-and-key.pem"
	inside chown -R octavia:octavia /etc/octavia/certs "/etc/octavia/$1.conf.d"
}
