# shellcheck shell=bash
# Rows of the self test for the OpenStack part; sourced by selftest. Octavia runs as
# 'lab openstack start' starts it.

OS=https://$OPENSTACK_IP
# A busy machine takes its time.
soon() { eventually "$(($1 * 4))" "${@:2}"; }
osql() { lab db sql copy -N -e "$1"; }
amp() { lab amphora list "$@"; }
# Identifiers: of a load balancer, and of its amphora of a role.
lb_id() { osql "SELECT id FROM load_balancer WHERE name = '$1'"; }
amp_id() {
	osql "SELECT a.id FROM amphora a JOIN load_balancer l ON l.id = a.load_balancer_id
		WHERE l.name = '$1' AND a.status <> 'DELETED' AND a.role LIKE '${2:-%}' ORDER BY a.role DESC LIMIT 1"
}
amp_is() { [ "$(amp "$1" | jq ".[0] | $2")" = true ]; }
prov() { [ "$(osql "SELECT provisioning_status FROM load_balancer WHERE name = '$1'")" = "$2" ]; }

token() {
	curl -sS --cacert "$PKI/ca.crt" -D - -o /dev/null -H 'Content-Type: application/json' -d '{"auth": {
		"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "domain": {"name": "Default"},
		"password": "lab-admin-password"}}}, "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}}}}' \
		"$OS:5000/v3/auth/tokens" | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: *\([^\r]*\).*/\1/p'
}
# api METHOD PATH [JSON]: the answer's status.
api() { curl -sS --max-time "${T:-30}" --cacert "$PKI/ca.crt" -o /dev/null -w '%{http_code}' -X "$1" -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' ${3:+-d "$3"} "$OS:9876$2"; }
push() { [ "$(api PUT "/v2/octavia/amphorae/$1/config")" = 202 ]; }
failover() { [ "$(api PUT "/v2/lbaas/loadbalancers/$(lb_id "$1")/failover")" = 202 ]; }
failed_over() { failover "$1" && soon 60 prov "$1" ACTIVE; }
lives() { [ "$(osql "SELECT COUNT(*) FROM amphora_health WHERE amphora_id = '$1' AND last_update > UTC_TIMESTAMP() - INTERVAL 1 MINUTE")" = 1 ]; }
status_is() { [ "$(osql "SELECT status FROM amphora WHERE id = '$1'")" = "$2" ]; }
in_error() { soon 30 status_is "$1" ERROR || soon 3 status_is "$1" FAILOVER_STOPPED; }

o_clouds() { [ "$(lab openstack client --os-cloud appcred token issue -f value -c id | wc -c)" -gt 100 ] && ! lab openstack client --os-cloud wrong-password token issue; }
o_list() { [ "$(lab openstack client loadbalancer list -f value -c provider | sort | uniq -c | xargs)" = '8 amphora 2 octavia 2 ovn' ]; }
o_old() { soon 15 sh -c "'$LAB_SRC/lab' amphora heartbeats | jq -e 'length == 17 and all(.[]; .key_ok)'"; }
o_fixed() { push "$A" && soon 15 lives "$A" && amp_is "$A" '.sender.controllers[0] == "172.23.0.97:5555" and .client == "Octavia controller"' && soon 10 status_is "$A" ALLOCATED; }
o_unfixed() { push "$U" && soon 10 amp_is "$U" '.file.controllers[0] == "172.23.0.97:5555"' && amp_is "$U" '.sender.controllers[0] | startswith("172.23.") | not' && sleep 3 && ! lives "$U"; }
o_single() { failed_over lb2 && amp_is "$(amp_id lb2)" '(.address | startswith("172.24.")) and .file.id == .id' && soon 20 lives "$(amp_id lb2)"; }
o_pair() { failed_over lb3 && [ "$(osql "SELECT COUNT(*) FROM amphora a JOIN load_balancer l ON l.id = a.load_balancer_id WHERE l.name = 'lb3' AND a.status = 'DELETED'")" = 2 ] && amp_is "$(amp_id lb3 MASTER)" '(.keepalived | length) > 100 and .vrrp == "running"'; }
o_deleted() { lab amphora deleted | jq -e 'length >= 3' && lab amphora counts | jq -e '.built >= 3'; }
o_unreachable() { lab amphora set "$B" "reachable=$1"; push "$B" && in_error "$B" && amp_is "$B" '.pushes == []'; }
o_wrong_ca() { lab amphora set "$B" reachable=1 ca=wrong && push "$B" && sleep 6 && amp_is "$B" '.pushes == []'; }
o_dies() { lab amphora set "$B" ca=ok dies_on=2 && push "$B" && soon 10 amp_is "$B" '.alive == false and .pushes == []' && lab amphora set "$B" alive=1; }
o_way_back() { lab amphora set "$B" way_back=0 && push "$B" && soon 15 amp_is "$B" '(.pushes | length) == 1 and .heartbeats_lost > 0' && ! lives "$B"; }
o_slow() { lab amphora set "$B" way_back=1 slow=1000 && push "$B" && soon 15 amp_is "$B" '(.pushes | length) == 2' && soon 15 lives "$B"; }
o_stopped() {
	local b
	b=$(amp_id lb1 BACKUP)
	push "$(amp_id lb1 MASTER)" && soon 15 status_is "$(amp_id lb1 MASTER)" ALLOCATED && status_is "$b" FAILOVER_STOPPED &&
		[ "$(api POST "/v2/lbaas/pools/$(osql "SELECT id FROM pool WHERE name = 'pool1'")/members" \
			'{"member": {"address": "192.168.77.9", "protocol_port": 80, "subnet_id": "11111111-2222-4333-8444-555555555555"}}')" = 201 ] &&
		soon 20 prov lb1 ACTIVE && amp_is "$(amp_id lb1 MASTER)" '.requests["plug network"] == 1' && amp_is "$b" '.requests["plug network"] == null'
}
o_rotated() { soon 30 amp_is "$(amp_id lb12 MASTER)" '.certificate_rotations >= 1'; }
o_create() {
	[ "$(api POST /v2/lbaas/loadbalancers '{"loadbalancer": {"name": "made", "vip_subnet_id": "00ccb9bc-0f7d-57f4-9355-59bfd6e70859"}}')" = 201 ] &&
		soon 40 prov made ACTIVE
}
o_503() { lab fault openstack api-503 3 && [ "$(api GET /v2/lbaas/loadbalancers)" = 503 ] && soon 10 o_ok; }
o_ok() { [ "$(api GET /v2/lbaas/loadbalancers)" = 200 ]; }
o_down() { lab fault openstack api-down && ! o_ok && lab fault openstack api-up && soon 40 o_ok; }
o_paused() { lab fault openstack worker-pause && failover lb7 && sleep 3 && prov lb7 PENDING_UPDATE && lab fault openstack worker-resume && soon 60 prov lb7 ACTIVE; }
o_rabbit() { lab fault openstack rabbit-down && ! T=6 push "$A"; lab fault openstack rabbit-up && soon 60 push "$A"; }
o_token() {
	lab fault openstack token-seconds 20 && soon 20 token_works && sleep 21 && [ "$(api GET /v2/lbaas/loadbalancers)" = 401 ] &&
		lab fault openstack token-seconds 3600 && soon 20 token_works
}
token_works() { TOKEN=$(token) && o_ok; }
o_keystone() { lab fault openstack keystone-down && [ -z "$(token 2>/dev/null)" ] && lab fault openstack keystone-up && soon 40 token_works; }
changed() { [ "$(lab db sql "$1" -N -e "SELECT COUNT(*) FROM load_balancer WHERE description = 'changed after the copy'")" = "$2" ]; }
o_row() { lab fault openstack db-row && changed source 1 && changed copy 0 && lab db copy && changed copy 1; }
o_log() { lab api-log | grep -qE "^20[0-9-]+T[0-9:.]+Z PUT /v2/octavia/amphorae/$A/config 202$"; }
# Without the threshold the health manager fails over what is silent.
o_unguarded() {
	lab reset openstack
	lab openstack start
	lab openstack exec sh -c 'printf "[health_manager]\nheartbeat_timeout=5\n" >/etc/octavia/healthmanager.conf.d/01-custom.conf; systemctl restart octavia-health-manager'
	soon 60 sh -c "'$LAB_SRC/lab' amphora counts | jq -e '.built >= 1'"
}
o_reset() {
	lab reset openstack && [ "$(osql 'SELECT COUNT(*) FROM load_balancer')" = 12 ] && [ "$(lab amphora counts | jq .built)" = 0 ] &&
		! lab openstack exec systemctl is-active octavia-api octavia-worker octavia-health-manager octavia-housekeeping
}
o_many() { lab seed pairs 5000 && [ "$(osql 'SELECT COUNT(*) FROM amphora')" = 10000 ] && [ "$(lab amphora counts | jq .amphorae)" = 10000 ]; }

# ROWS: what is asked, and the function that asks.
openstack_rows() {
	cat <<-'ROWS'
		clouds, application credential	o_clouds
		the API lists the twelve load balancers	o_list
		heartbeats arrive at the old managers	o_old
		a push reaches agent and sender	o_fixed
		without the fix it reaches the file only	o_unfixed
		failover of SINGLE	o_single
		failover of ACTIVE_STANDBY	o_pair
		amphorae that are gone are remembered	o_deleted
		reachable=0	o_unreachable 0
		reachable=refused	o_unreachable refused
		reachable=silent	o_unreachable silent
		ca=wrong	o_wrong_ca
		dies_on	o_dies
		way_back=0	o_way_back
		slow	o_slow
		a stopped amphora gets no network plug	o_stopped
		housekeeping rotates an expiring certificate	o_rotated
		a load balancer is made by the API	o_create
		fault api-503	o_503
		fault api-down	o_down
		fault worker-pause	o_paused
		fault rabbit-down	o_rabbit
		fault token-seconds	o_token
		fault keystone-down	o_keystone
		api-log	o_log
		fault db-row, db copy	o_row
		the health manager without a threshold	o_unguarded
		reset	o_reset
		seed pairs 5000	o_many
	ROWS
}

openstack() {
	local name row
	lab reset openstack
	lab openstack start
	TOKEN=$(token)
	A=$(amp_id lb10 MASTER) B=$(amp_id lb10 BACKUP) U=$(amp_id lb11)
	soon 90 status_is "$A" FAILOVER_STOPPED
	while IFS=$'\t' read -r -u 3 name row; do
		# shellcheck disable=SC2086 # a function and its argument
		$row >/dev/null 2>&1
		verdict "openstack: $name" $?
	done 3< <(openstack_rows)
	lab reset openstack
}
