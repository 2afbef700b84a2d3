/* SPDX-License-Identifier: Apache-2.0
 * Which control plane, and where its journal is. Must not know what is in it.
 */
#include "steps/session.h"

#include "base/fs.h"
#include "base/yaml.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define ADOPTION_MAX ((size_t)1 << 20)

/* ${XDG_STATE_HOME:-~/.local/state}/octavia-adopt, heap. */
static char *state_root(void)
{
	const char *state = getenv("XDG_STATE_HOME");
	oa_auto(oa_freep) char *home = NULL;

	if (state && *state == '/')
		return oa_fs_join(state, "octavia-adopt");
	home = oa_fs_expand("~/.local/state");
	return oa_fs_join(home, "octavia-adopt");
}

static void set_journal_dir(struct oa_session *session)
{
	oa_auto(oa_freep) char *root = state_root();

	if (session->settings->journal_dir)
		session->journal_dir =
			oa_fs_expand(session->settings->journal_dir);
	else
		session->journal_dir =
			oa_format("%s/%s/%s-%s", root, session->cluster_id,
				session->namespace_, session->control_plane);
}

static void add_names(const struct oa_value *items, struct oa_buf *out)
{
	for (size_t i = 0; i < oa_value_count(items); i++)
		oa_buf_printf(out, "%s%s", i ? ", " : "",
			oa_value_str_at(oa_value_item(items, i),
				"/metadata/name", "?"));
}

static int choose(struct oa_session *session, const struct oa_value *items,
	struct oa_error **err)
{
	oa_auto(oa_buf_release) struct oa_buf names = {0};

	if (oa_value_count(items) == 1) {
		const struct oa_value *plane = oa_value_item(items, 0);

		session->control_plane =
			oa_strdup(oa_value_str_at(plane, "/metadata/name", ""));
		session->control_plane_uid =
			oa_strdup(oa_value_str_at(plane, "/metadata/uid", ""));
		return 0;
	}
	if (oa_value_count(items) == 0) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"no OpenStackControlPlane in namespace '%s'",
			session->namespace_);
		return oa_error_hint(err,
			"choose the namespace with -n NAMESPACE: oc get "
			"openstackcontrolplanes -A");
	}
	add_names(items, &names);
	oa_error_set(err, OA_ERR_USAGE,
		"%zu OpenStackControlPlanes in namespace '%s': %s",
		oa_value_count(items), session->namespace_,
		oa_buf_cstr(&names));
	return oa_error_hint(err, "choose one with --control-plane NAME");
}

static int find_control_plane(struct oa_session *session, struct oa_error **err)
{
	const char *name = oa_value_str_at(
		session->settings->config, "/controlPlane", NULL);
	struct oa_kube_ref ref = oa_ref(session, OA_CONTROL_PLANE, NULL);
	oa_auto(oa_value_freep) struct oa_value *found = NULL;

	if (!name) {
		if (oa_kube_list(session->kube, &ref, NULL, &found, NULL, err) <
			0)
			return -1;
		return choose(session, found, err);
	}
	if (oa_read(session, OA_CONTROL_PLANE, name, &found, err) < 0)
		return -1;
	if (!found) {
		oa_error_set(err, OA_ERR_NOT_FOUND,
			"openstackcontrolplane/%s does not exist in namespace "
			"'%s'",
			name, session->namespace_);
		return oa_error_hint(err, "oc get openstackcontrolplanes -A");
	}
	session->control_plane = oa_strdup(name);
	session->control_plane_uid =
		oa_strdup(oa_value_str_at(found, "/metadata/uid", ""));
	return 0;
}

int oa_locate(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_value_freep) struct oa_value *namespace_ = NULL;
	const char *uid;

	session->namespace_ = oa_strdup(session->kube_config->namespace_);
	if (find_control_plane(session, err) < 0)
		return -1;
	if (oa_read(session, OA_NAMESPACE, session->namespace_, &namespace_,
		    err) < 0)
		return -1;
	uid = oa_value_str_at(namespace_, "/metadata/uid", NULL);
	if (!uid)
		return oa_error_set(err, OA_ERR_NOT_FOUND,
			"namespace/%s does not exist", session->namespace_);
	session->cluster_id =
		oa_strndup(uid, strlen(uid) < 12 ? strlen(uid) : 12);
	set_journal_dir(session);
	return 0;
}

/* ---- without the cluster ---- */

/* Does dir's adoption.yaml name this server, namespace and control plane? */
static bool belongs(const struct oa_session *session, const char *dir)
{
	oa_auto(oa_freep) char *path = oa_fs_join(dir, "adoption.yaml");
	oa_auto(oa_buf_release) struct oa_buf text = {0};
	oa_auto(oa_value_freep) struct oa_value *adoption = NULL;
	const char *wanted = oa_value_str_at(
		session->settings->config, "/controlPlane", NULL);
	const struct oa_kube_config *kube = session->kube_config;
	struct oa_error *err = NULL;

	if (oa_fs_read(path, ADOPTION_MAX, &text, &err) < 0 ||
		oa_yaml_parse(oa_buf_cstr(&text), text.len, &adoption, &err) <
			0) {
		oa_error_free(err);
		return false;
	}
	if (kube &&
		(!oa_streq(oa_value_str_at(adoption, "/cluster/server", ""),
			 kube->server) ||
			!oa_streq(oa_value_str_at(adoption,
					  "/controlPlane/namespace", ""),
				kube->namespace_)))
		return false;
	return !wanted ||
		oa_streq(oa_value_str_at(adoption, "/controlPlane/name", ""),
			wanted);
}

static void search_cluster(const struct oa_session *session,
	const char *cluster, struct oa_value *found)
{
	DIR *dir = opendir(cluster);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		oa_auto(oa_freep) char *path =
			oa_fs_join(cluster, entry->d_name);

		if (entry->d_name[0] != '.' && belongs(session, path))
			oa_value_append(found, oa_value_string(path));
	}
	if (dir)
		closedir(dir);
}

static void search(const struct oa_session *session, const char *root,
	struct oa_value *found)
{
	DIR *dir = opendir(root);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		oa_auto(oa_freep) char *path = oa_fs_join(root, entry->d_name);

		if (entry->d_name[0] != '.')
			search_cluster(session, path, found);
	}
	if (dir)
		closedir(dir);
}

int oa_locate_offline(struct oa_session *session, struct oa_error **err)
{
	oa_auto(oa_freep) char *root = state_root();
	oa_auto(oa_value_freep) struct oa_value *found = oa_value_array();
	oa_auto(oa_buf_release) struct oa_buf list = {0};

	free(oa_steal(session->journal_dir));
	if (session->settings->journal_dir) {
		session->journal_dir =
			oa_fs_expand(session->settings->journal_dir);
		return 0;
	}
	search(session, root, found);
	if (oa_value_count(found) == 1) {
		session->journal_dir =
			oa_strdup(oa_value_str(oa_value_item(found, 0)));
		return 0;
	}
	if (oa_value_count(found) == 0) {
		oa_error_set(err, OA_ERR_USAGE,
			"no journal for this context in '%s'", root);
		return oa_error_hint(
			err, "name the journal with --journal DIR");
	}
	for (size_t i = 0; i < oa_value_count(found); i++)
		oa_buf_printf(&list, "\n  --journal %s",
			oa_value_str(oa_value_item(found, i)));
	oa_error_set(err, OA_ERR_USAGE, "%zu journals fit this context in '%s'",
		oa_value_count(found), root);
	return oa_error_hint(err, "choose one:%s", oa_buf_cstr(&list));
}
