#!/bin/sh
# Runs once inside a machine, when the databases for the cache are made: schemas,
# users, endpoints (of the host name "os", see lab-site). Argument: the
# administrator's password.
set -e
password=$1
export LC_ALL=C.UTF-8
systemctl start mariadb rabbitmq-server
mysql -e "
CREATE DATABASE keystone;
CREATE DATABASE octavia;
CREATE DATABASE octavia_source;
GRANT ALL ON keystone.* TO keystone@localhost IDENTIFIED BY 'lab';
GRANT ALL ON octavia.* TO octavia@localhost IDENTIFIED BY 'lab';
GRANT ALL ON octavia.* TO lab@'%' IDENTIFIED BY 'lab';
GRANT ALL ON octavia_source.* TO lab@'%' IDENTIFIED BY 'lab';"
rabbitmqctl list_users | grep -q octavia || rabbitmqctl add_user octavia lab
rabbitmqctl set_permissions octavia '.*' '.*' '.*'
as() { u=$1; shift; setpriv --reuid "$u" --regid "$u" --init-groups -- "$@"; }
as keystone keystone-manage db_sync
install -d -o keystone -g keystone -m 700 /etc/keystone/fernet-keys /etc/keystone/credential-keys
keystone-manage fernet_setup --keystone-user keystone --keystone-group keystone
keystone-manage credential_setup --keystone-user keystone --keystone-group keystone
as keystone keystone-manage bootstrap --bootstrap-password "$password" \
	--bootstrap-admin-url https://os:5000/v3 --bootstrap-internal-url https://os:5000/v3 \
	--bootstrap-public-url https://os:5000/v3 --bootstrap-region-id regionOne
as octavia octavia-db-manage --config-file /etc/octavia/octavia.conf upgrade head
mysqldump octavia | mysql octavia_source
# A northbound database, so that the ovn provider driver loads.
[ -e /var/lib/ovn/ovnnb_db.db ] || ovsdb-tool create /var/lib/ovn/ovnnb_db.db /usr/share/ovn/ovn-nb.ovsschema
[ -e /var/lib/ovn/ovnsb_db.db ] || ovsdb-tool create /var/lib/ovn/ovnsb_db.db /usr/share/ovn/ovn-sb.ovsschema
systemctl start keystone
export OS_AUTH_URL=https://os:5000/v3 OS_USERNAME=admin OS_PASSWORD="$password" OS_PROJECT_NAME=admin \
	OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_IDENTITY_API_VERSION=3 \
	OS_CACERT=/etc/lab/ca.crt OS_REGION_NAME=regionOne
for _ in $(seq 60); do
	curl -fs --cacert /etc/lab/ca.crt "$OS_AUTH_URL" >/dev/null && break
	sleep 0.5
done
openstack <<OS
project create service
user create --password lab-octavia-password --project service octavia
role add --user octavia --project service admin
role add --user octavia --project service service
role create load-balancer_admin
role create load-balancer_member
role create load-balancer_observer
project create demo
user create --password lab-member-password --project demo member
role add --user member --project demo member
role add --user member --project demo load-balancer_member
user create --password lab-reader-password --project demo reader
role add --user reader --project demo reader
user create --password lab-operator-password --project demo lboperator
role add --user lboperator --project demo member
role add --user lboperator --project demo load-balancer_admin
service create --name octavia --description Load-balancing load-balancer
endpoint create --region regionOne load-balancer public https://os:9876
endpoint create --region regionOne load-balancer internal https://os:9876
endpoint create --region regionOne load-balancer admin https://os:9876
application credential create --secret lab-appcred-secret --unrestricted lab-appcred
OS
mysql -N keystone -e "SELECT COUNT(*) FROM endpoint WHERE url LIKE '%:9876'" | grep -qx 3
mysql -N keystone -e "SELECT COUNT(*) FROM application_credential" | grep -qx 1
systemctl stop keystone mariadb rabbitmq-server
sync
