#!/bin/bash
# kube.sh build|up|down|status|reset|fault: a real kube-apiserver and etcd, the
# operator's webhook, and a kubelet for 'exec'.
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"

K=$LAB_DIR/kube
KC=$LAB_DIR/kubeconfig
SERVER=https://127.0.0.1:$KUBE_PORT
WEBHOOK=https://127.0.0.1:$WEBHOOK_PORT/mutate
KUBE_NODES=${KUBE_NODES:-3}
EXEC_FAULT=$K/exec-fault.json

apiserver_binary() { printf '%s.out/kube-apiserver\n' "$(root_dir apiserver)"; }
kubelet_binary() { printf '%s.out/lab-kubelet\n' "$(root_dir kubelet)"; }

build() {
	need openssl openssl
	need curl curl
	need jq jq
	need python3 python3
	build_root tools
	mkdir -p "$LAB_CACHE/bin"
	ln -sfn "$(root_dir tools).out/kubectl" "$LAB_CACHE/bin/kubectl"
	[ -x "$(apiserver_binary)" ] || say "building kube-apiserver from source (about four minutes on two cores)"
	build_root apiserver
	drop_tree apiserver
	build_root kubelet
	drop_tree kubelet
}

b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

credentials() {
	mkdir -p "$K" "$KC"
	pki_ca
	pki_cert kube-serving '/CN=kube-apiserver' \
		'DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc,DNS:api.octavia.lab,IP:127.0.0.1,IP:10.96.0.1' \
		serverAuth
	# Served for the name wrong-name.octavia.lab (SNI), which it does not hold.
	pki_cert kube-wrong-name '/CN=somebody else' 'DNS:elsewhere.octavia.lab' serverAuth
	pki_cert kube-admin '/O=system:masters/CN=cert-admin' '' clientAuth
	expired_cert kube-expired-serving '/CN=kube-apiserver' 'DNS:expired.octavia.lab' serverAuth
	expired_cert kube-expired-admin '/O=system:masters/CN=expired-admin' '' clientAuth
	pki_cert webhook '/CN=openstack-operator-webhook' 'IP:127.0.0.1' serverAuth
	pki_cert kubelet '/O=system:nodes/CN=system:node:worker' 'IP:127.0.0.1' serverAuth
	pki_cert kubelet-client '/O=system:masters/CN=kube-apiserver-kubelet-client' '' clientAuth
	[ -s "$PKI/sa.key" ] || openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null
	[ -s "$K/tokens.csv" ] || cat >"$K/tokens.csv" <<-CSV
		lab-admin-token,admin,admin,"system:masters"
		lab-viewer-token,viewer,viewer,"lab-viewers"
		lab-adopter-token,adopter,adopter,"lab-adopters"
		lab-nobody-token,nobody,nobody,"lab-nobodies"
		lab-operator-token,operator,operator,"system:masters"
	CSV
}

# expired_cert NAME SUBJECT SAN USAGE: valid in 2020 only.
expired_cert() {
	local f=$PKI/$1
	[ -s "$f.crt" ] && return
	openssl ecparam -name prime256v1 -genkey -noout -out "$f.key"
	openssl req -new -key "$f.key" -subj "$2" -out "$f.csr" 2>/dev/null
	: >"$f.index"
	cat >"$f.cnf" <<-CNF
		[ca]
		default_ca=lab
		[lab]
		database=$f.index
		new_certs_dir=$PKI
		rand_serial=yes
		default_md=sha256
		policy=any
		x509_extensions=ext
		unique_subject=no
		[any]
		commonName=supplied
		organizationName=optional
		[ext]
		basicConstraints=CA:FALSE
		keyUsage=digitalSignature
		extendedKeyUsage=$4
		${3:+subjectAltName=$3}
	CNF
	openssl ca -batch -config "$f.cnf" -cert "$PKI/ca.crt" -keyfile "$PKI/ca.key" -notext \
		-startdate 20200101000000Z -enddate 20201231235959Z -in "$f.csr" -out "$f.crt" 2>/dev/null
	rm -f "$f.csr" "$f".index* "$f.cnf"
}

# expired_token: a well-signed service-account token whose time is over.
expired_token() {
	local h p
	h=$(printf '{"alg":"RS256","typ":"JWT"}' | b64url)
	p=$(printf '{"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:%s:default","aud":["https://kubernetes.default.svc"],"iat":1577836800,"exp":1577840400}' "$LAB_NS" | b64url)
	printf '%s.%s.%s' "$h" "$p" \
		"$(printf '%s.%s' "$h" "$p" | openssl dgst -sha256 -sign "$PKI/sa.key" -binary | b64url)"
}

# kubeconfig FILE USER-YAML [CLUSTER-EXTRA] [CA-BASE64]
kubeconfig() {
	local ca=${4:-$(base64 -w0 <"$PKI/ca.crt")}
	cat >"$KC/$1" <<-YAML
		apiVersion: v1
		kind: Config
		clusters:
		- name: lab
		  cluster:
		    server: $SERVER
		    certificate-authority-data: $ca
		${3:+    $3}
		users:
		- name: user
		  user: $2
		contexts:
		- name: lab
		  context:
		    cluster: lab
		    user: user
		    namespace: $LAB_NS
		current-context: lab
	YAML
	chmod 600 "$KC/$1"
}

kubeconfigs() {
	cat >"$KC/exec-credential" <<-'SH'
		#!/bin/sh
		# exec-credential VERSION TOKEN-FILE: an exec credential plugin.
		# It notes each call in exec-credential.log, next to itself.
		echo "call version=$1 info=${KUBERNETES_EXEC_INFO:+set}" >>"$0.log"
		[ "$2" != fail ] || { echo 'exec-credential: login required' >&2; exit 1; }
		printf '{"apiVersion":"client.authentication.k8s.io/%s","kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"2099-01-01T00:00:00Z"}}\n' "$1" "$2"
	SH
	chmod 755 "$KC/exec-credential"
	kubeconfig admin.yaml '{token: lab-admin-token}'
	kubeconfig adopter.yaml '{token: lab-adopter-token}'
	kubeconfig viewer.yaml '{token: lab-viewer-token}'
	kubeconfig nobody.yaml '{token: lab-nobody-token}'
	kubeconfig wrong-token.yaml '{token: not-a-token-of-this-server}'
	kubeconfig expired-token.yaml "{token: $(expired_token)}"
	kubeconfig cert.yaml "{client-certificate-data: $(base64 -w0 <"$PKI/kube-admin.crt"), client-key-data: $(base64 -w0 <"$PKI/kube-admin.key")}"
	kubeconfig cert-files.yaml "{client-certificate: ../pki/kube-admin.crt, client-key: ../pki/kube-admin.key}"
	kubeconfig expired-cert.yaml "{client-certificate-data: $(base64 -w0 <"$PKI/kube-expired-admin.crt"), client-key-data: $(base64 -w0 <"$PKI/kube-expired-admin.key")}"
	printf 'lab-admin-token\n' >"$KC/admin.token"
	kubeconfig token-file.yaml '{tokenFile: admin.token}'
	kubeconfig exec.yaml '{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./exec-credential, args: [v1beta1, lab-admin-token], env: null, interactiveMode: IfAvailable, provideClusterInfo: false}}'
	kubeconfig exec-v1.yaml '{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./exec-credential, args: [v1, lab-admin-token], env: [{name: LAB, value: "1"}], interactiveMode: Never, provideClusterInfo: true}}'
	kubeconfig exec-fail.yaml '{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./exec-credential, args: [v1, fail], interactiveMode: Never, provideClusterInfo: false}}'
	kubeconfig tls-other-ca.yaml '{token: lab-admin-token}' '' "$(base64 -w0 <"$PKI/other-ca.crt")"
	kubeconfig tls-expired.yaml '{token: lab-admin-token}' 'tls-server-name: expired.octavia.lab'
	kubeconfig tls-wrong-name.yaml '{token: lab-admin-token}' 'tls-server-name: wrong-name.octavia.lab'
	kubeconfig tls-server-name.yaml '{token: lab-admin-token}' 'tls-server-name: api.octavia.lab'
	SERVER=https://127.0.0.1:$LATENCY_PORT kubeconfig latency.yaml '{token: lab-admin-token}'
	kubeconfig impersonate.yaml '{token: lab-admin-token, as: viewer, as-groups: [lab-viewers]}'
	# A pair to be merged: KUBECONFIG=merge-1.yaml:merge-2.yaml
	cat >"$KC/merge-1.yaml" <<-YAML
		apiVersion: v1
		kind: Config
		contexts:
		- name: merged
		  context: {cluster: from-second, user: from-second, namespace: $LAB_NS}
		- name: shared-name
		  context: {cluster: from-second, user: from-second, namespace: $LAB_NS}
		current-context: merged
	YAML
	cat >"$KC/merge-2.yaml" <<-YAML
		apiVersion: v1
		kind: Config
		clusters:
		- name: from-second
		  cluster:
		    server: $SERVER
		    certificate-authority: ../pki/ca.crt
		users:
		- name: from-second
		  user: {token: lab-admin-token}
		contexts:
		- name: shared-name
		  context: {cluster: from-second, user: from-second, namespace: the-first-file-wins}
		current-context: ignored-because-the-first-file-sets-it
	YAML
}

ready() {
	curl -fsS --max-time 2 --cacert "$PKI/ca.crt" -H 'Authorization: Bearer lab-admin-token' "$SERVER/readyz"
}

up() {
	build
	credentials
	kubeconfigs
	cat >"$K/audit.yaml" <<-'YAML'
		apiVersion: audit.k8s.io/v1
		kind: Policy
		omitStages: [RequestReceived]
		rules:
		- level: None
		  nonResourceURLs: ["/healthz*", "/readyz*", "/livez*"]
		- level: None
		  users: ["system:apiserver"]
		- level: None
		  users: ["operator"]
		  verbs: [get, list, watch]
		- level: Metadata
		  resources: [{group: "", resources: [secrets]}]
		- level: Request
	YAML
	if ! alive "$K/etcd.pid"; then
		spawn "$K/etcd.pid" "$K/etcd.log" "$LAB_SRC/in-root" etcd --name lab --data-dir "$K/etcd" \
			--listen-client-urls "http://127.0.0.1:$ETCD_PORT" \
			--advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
			--listen-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
			--initial-advertise-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
			--initial-cluster "lab=http://127.0.0.1:$((ETCD_PORT + 1))"
	fi
	webhook_up
	kubelet_up
	if ! alive "$K/apiserver.pid"; then
		wait_for 20 etcd curl -fsS "http://127.0.0.1:$ETCD_PORT/health" || die "see $K/etcd.log"
		: >"$K/apiserver.log"
		spawn "$K/apiserver.pid" "$K/apiserver.log" "$(apiserver_binary)" \
			--etcd-servers="http://127.0.0.1:$ETCD_PORT" \
			--bind-address=127.0.0.1 --secure-port="$KUBE_PORT" \
			--tls-cert-file="$PKI/kube-serving.crt" --tls-private-key-file="$PKI/kube-serving.key" \
			--tls-sni-cert-key="$PKI/kube-expired-serving.crt,$PKI/kube-expired-serving.key:expired.octavia.lab" \
			--tls-sni-cert-key="$PKI/kube-wrong-name.crt,$PKI/kube-wrong-name.key:wrong-name.octavia.lab" \
			--client-ca-file="$PKI/ca.crt" --token-auth-file="$K/tokens.csv" \
			--authorization-mode=RBAC --service-cluster-ip-range=10.96.0.0/24 \
			--service-account-key-file="$PKI/sa.key" --service-account-signing-key-file="$PKI/sa.key" \
			--service-account-issuer=https://kubernetes.default.svc \
			--kubelet-client-certificate="$PKI/kubelet-client.crt" \
			--kubelet-client-key="$PKI/kubelet-client.key" --kubelet-certificate-authority="$PKI/ca.crt" \
			--kubelet-preferred-address-types=InternalIP \
			--disable-admission-plugins=ServiceAccount \
			--audit-policy-file="$K/audit.yaml" --audit-log-path="$K/audit.log" \
			--audit-log-mode=blocking --audit-log-maxsize=200 --audit-log-maxbackup=1
	fi
	wait_for 60 kube-apiserver ready || die "see $K/apiserver.log"
	load
	say "kube: up, $SERVER, kubeconfig $KC/admin.yaml"
}

webhook_up() {
	alive "$K/webhook.pid" && return
	spawn "$K/webhook.pid" "$K/webhook.log" "$LAB_SRC/in-root" python3 "$LAB_SRC/operator/webhook.py" \
		--port "$WEBHOOK_PORT" --cert "$PKI/webhook.crt" --key "$PKI/webhook.key" \
		--control "$LAB_DIR/operator/control.json"
	wait_for 20 'the webhook' curl -sS --cacert "$PKI/ca.crt" "${WEBHOOK%/mutate}/healthz" || die "see $K/webhook.log"
}

kubelet_up() {
	alive "$K/kubelet.pid" && return
	spawn "$K/kubelet.pid" "$K/kubelet.log" "$(kubelet_binary)" --listen "127.0.0.1:$KUBELET_PORT" \
		--cert "$PKI/kubelet.crt" --key "$PKI/kubelet.key" --client-ca "$PKI/ca.crt" \
		--runner "$LAB_SRC/pod-run" --faults "$EXEC_FAULT"
	wait_for 20 'the kubelet' curl -fsS --cacert "$PKI/ca.crt" --cert "$PKI/kubelet-client.crt" \
		--key "$PKI/kubelet-client.key" "https://127.0.0.1:$KUBELET_PORT/healthz" || die "see $K/kubelet.log"
}

load() {
	python3 "$LAB_SRC/kubeload.py" --server "$SERVER" --ca "$PKI/ca.crt" --token lab-admin-token \
		--namespace "$LAB_NS" --nodes "$KUBE_NODES" --kubelet-port "$KUBELET_PORT" --ca-bundle "$PKI/ca.crt" --webhook "$WEBHOOK" \
		--keystone "${KEYSTONE_URL:-https://$OPENSTACK_IP:5000}" "$@" "$LAB_SRC"
}

down() {
	stop "$K/apiserver.pid" 5
	stop "$K/webhook.pid" 2
	stop "$K/kubelet.pid" 2
	stop "$K/etcd.pid" 5
	rm -rf --one-file-system "$K" "$KC"
	say "kube: down"
}

status() {
	if alive "$K/apiserver.pid" && ready >/dev/null 2>&1; then
		say "kube: up ($SERVER, $(wc -l <"$K/audit.log" 2>/dev/null || echo 0) audited requests)"
	elif alive "$K/apiserver.pid" || alive "$K/etcd.pid"; then
		say "kube: partly up"
		return 1
	else
		say "kube: down"
		return 3
	fi
}

GARBAGE=$'Defaulted container "galera" out of: galera\nload_balancer\tNULL\n<html>502</html>\n'

exec_well() {
	rm -f "$EXEC_FAULT"
	kubelet_up
}

fault() {
	local pid
	case ${1:-} in
	down) stop "$K/apiserver.pid" 5 ;;
	up) up ;;
	pause | resume)
		alive "$K/apiserver.pid" || die "the API server is down"
		read -r pid _ <"$K/apiserver.pid"
		if [ "$1" = pause ]; then kill -STOP "$pid"; else kill -CONT "$pid"; fi
		;;
	webhook-down) stop "$K/webhook.pid" 2 ;;
	webhook-up) webhook_up ;;
	exec-down) stop "$K/kubelet.pid" 2 ;;
	exec-up) exec_well ;;
	exec-slow) jq -n --arg n "${2:-5}" '{slow: ($n | tonumber)}' >"$EXEC_FAULT" ;;
	exec-garbage) jq -n --arg t "${2:-$GARBAGE}" '{garbage: $t}' >"$EXEC_FAULT" ;;
	exec-cut) jq -n --arg n "${2:-20}" '{cut: ($n | tonumber)}' >"$EXEC_FAULT" ;;
	*)
		cat >&2 <<-'TEXT'
			usage: lab fault kube FAULT [ARG]
			  down | up                  the API server goes away / comes back
			  pause | resume             it takes connections and does not answer
			  webhook-down | webhook-up  the operator's webhook
			  exec-down | exec-up        the kubelet; exec-up ends the three below as well
			  exec-slow [SECS]           each exec begins that much later (default 5)
			  exec-garbage [TEXT]        TEXT comes in place of what a command writes
			  exec-cut [BYTES]           the stream ends there, with an error (default 20)
		TEXT
		exit 2
		;;
	esac
}

case ${1:-} in
build | up | down | status) "$1" ;;
# reset [VARIANT [NETWORK]]: the objects of the openstack namespace as they were
# after 'up', with the control plane and the network of that variant.
reset)
	webhook_up
	exec_well
	load --reset --plane "${2:-default}" --network "${3:-ready}"
	;;
fault) shift; fault "$@" ;;
*) die "usage: kube.sh build|up|down|status|reset|fault" ;;
esac
