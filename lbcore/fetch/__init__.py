"""Sample fetches: the words of expressions that read something (manual 7.3.2 to 7.3.6), one topic a file.

    constant.py    values that stand in the expression        request.py   first line and fields of messages
    named.py       variables and named ACLs                   url.py       what the target of a request is made of
    process.py     the process, its clock, its chances        cookie.py    cookies of either direction
    proxy.py       figures of proxies and servers             body.py      bodies of messages
    client.py      both ends of the client's connection       auth.py      credentials that a request brings
    connection.py  what the kernel knows of connections       response.py  status and first line of the response
    session.py     frontend and listener of a session         capture.py   what was captured for logs
    backend.py     backend and server of a stream             payload.py   raw bytes, mode tcp
    stream.py      timers, ends and numbers of a stream       tls_hello.py the first message of a TLS handshake
    ending.py      how the ends of a stream came about       stick.py      what stick tables know
    rows.py        helpers that rows are made with

Importing this package names all words for the table `lbcore.sample.rows.FETCHES`, which imports the file of a word when
a configuration has it; each file ends with its rows. Called by compiled expressions with the transaction
(`lbcore.stream.txn.Txn`), from the worker that owns it, many times a second: names and arguments are resolved when a
fetch is made. A fetch gives None where there is no sample. One that reads bytes of which more may come also sets
`missing`, so that rules of mode tcp wait. No locks; `stats` reads live objects likewise.
"""

from __future__ import annotations

from lbcore.sample.rows import FETCHES

# Each file with the names of its rows, which `base.registry` wants to hear of before it imports the file.
WORDS = {
    "auth": "http_auth http_auth_bearer http_auth_group http_auth_pass http_auth_type http_auth_user",
    "backend": """
        be_id be_name be_server_timeout be_tunnel_timeout cur_client_timeout cur_server_timeout cur_tunnel_timeout
        srv_id srv_name
    """,
    "body": "req.body req.body_len req.body_param req.body_size res.body res.body_len res.body_size",
    "capture": "capture.req.hdr capture.req.method capture.req.uri capture.req.ver capture.res.hdr capture.res.ver",
    "client": "dst dst_is_local dst_port src src_is_local src_port",
    "connection": """
        bc_dst bc_dst_port bc_err bc_err_name bc_err_str bc_glitches bc_http_major bc_nb_streams bc_reused bc_rtt
        bc_rttvar bc_setting_streams_limit bc_src bc_src_port fc_dst fc_dst_is_local fc_dst_port fc_err fc_err_name
        fc_err_str fc_fackets
        fc_glitches fc_http_major fc_lost fc_nb_streams fc_pp_authority fc_pp_tlv fc_pp_unique_id fc_rcvd_proxy
        fc_reordering fc_retrans fc_rtt fc_rttvar fc_sacked fc_settings_streams_limit fc_src fc_src_is_local fc_src_port
        fc_unacked
    """,
    "constant": "always_false always_true bin bool int ipv4 ipv6 meth str",
    "cookie": """
        cook cook_cnt cook_val cookie req.cook req.cook_cnt req.cook_names req.cook_val res.cook res.cook_cnt
        res.cook_names res.cook_val scook scook_cnt scook_val
    """,
    "cost": "bs.id cpu_calls cpu_ns_avg cpu_ns_tot lat_ns_avg lat_ns_tot",
    "distcc": "distcc_body distcc_param",
    "ending": "term_events",
    "named": "acl var",
    "payload": """
        payload payload_lv rdp_cookie rdp_cookie_cnt req.len req.payload req.payload_lv req.rdp_cookie
        req.rdp_cookie_cnt req_len res.len res.payload res.payload_lv
    """,
    "process": "act_conn date date_us env hostname nbproc pid proc quic_enabled rand stopping thread uptime uuid",
    "proxy": """
        avg_queue be_conn be_conn_free be_sess_rate connslots fe_conn fe_req_rate fe_sess_rate nbsrv queue srv_conn
        srv_conn_free srv_is_up srv_iweight srv_queue srv_sess_rate srv_uweight srv_weight
    """,
    "request": """
        hdr hdr_cnt hdr_ip hdr_val http_first_req method req.fhdr req.fhdr_cnt req.hdr req.hdr_cnt req.hdr_ip
        req.hdr_names req.hdr_val req.hdrs req.hdrs_bin req.proto_http req.ver req_proto_http req_ver res.fhdr
        res.fhdr_cnt res.hdr res.hdr_cnt res.hdr_ip res.hdr_names res.hdr_val res.hdrs res.hdrs_bin shdr shdr_cnt
        shdr_ip shdr_val
    """,
    "response": "res.ver resp_ver server_status status",
    "session": "accept_date dst_conn fe_client_timeout fe_defbe fe_id fe_name request_date so_id so_name",
    "stick": """
        sc0_bytes_in_rate sc0_bytes_out_rate sc0_clr_gpc0 sc0_clr_gpc1 sc0_conn_cnt sc0_conn_cur sc0_conn_rate
        sc0_get_gpc0 sc0_get_gpc1 sc0_get_gpt0 sc0_glitch_cnt sc0_glitch_rate sc0_gpc0_rate sc0_gpc1_rate
        sc0_http_err_cnt sc0_http_err_rate sc0_http_fail_cnt sc0_http_fail_rate sc0_http_req_cnt
        sc0_http_req_rate sc0_inc_gpc0 sc0_inc_gpc1 sc0_kbytes_in sc0_kbytes_out sc0_key sc0_sess_cnt
        sc0_sess_rate sc0_tracked sc0_trackers sc1_bytes_in_rate sc1_bytes_out_rate sc1_clr_gpc sc1_clr_gpc0
        sc1_clr_gpc1 sc1_conn_cnt sc1_conn_cur sc1_conn_rate sc1_get_gpc0 sc1_get_gpc1 sc1_get_gpt0
        sc1_glitch_cnt sc1_glitch_rate sc1_gpc0_rate sc1_gpc1_rate sc1_http_err_cnt sc1_http_err_rate
        sc1_http_fail_cnt sc1_http_fail_rate sc1_http_req_cnt sc1_http_req_rate sc1_inc_gpc0 sc1_inc_gpc1
        sc1_kbytes_in sc1_kbytes_out sc1_key sc1_sess_cnt sc1_sess_rate sc1_tracked sc1_trackers
        sc2_bytes_in_rate sc2_bytes_out_rate sc2_clr_gpc0 sc2_clr_gpc1 sc2_conn_cnt sc2_conn_cur sc2_conn_rate
        sc2_get_gpc0 sc2_get_gpc1 sc2_get_gpt0 sc2_glitch_cnt sc2_glitch_rate sc2_gpc0_rate sc2_gpc1_rate
        sc2_http_err_cnt sc2_http_err_rate sc2_http_fail_cnt sc2_http_fail_rate sc2_http_req_cnt
        sc2_http_req_rate sc2_inc_gpc0 sc2_inc_gpc1 sc2_kbytes_in sc2_kbytes_out sc2_key sc2_sess_cnt
        sc2_sess_rate sc2_tracked sc2_trackers sc_bytes_in_rate sc_bytes_out_rate sc_clr_gpc sc_clr_gpc0
        sc_clr_gpc1 sc_conn_cnt sc_conn_cur sc_conn_rate sc_get_gpc sc_get_gpc0 sc_get_gpc1 sc_get_gpt
        sc_get_gpt0 sc_glitch_cnt sc_glitch_rate sc_gpc0_rate sc_gpc1_rate sc_gpc_rate sc_http_err_cnt
        sc_http_err_rate sc_http_fail_cnt sc_http_fail_rate sc_http_req_cnt sc_http_req_rate sc_inc_gpc
        sc_inc_gpc0 sc_inc_gpc1 sc_kbytes_in sc_kbytes_out sc_key sc_sess_cnt sc_sess_rate sc_tracked
        sc_trackers src_bytes_in_rate src_bytes_out_rate src_clr_gpc src_clr_gpc0 src_clr_gpc1 src_conn_cnt
        src_conn_cur src_conn_rate src_get_gpc src_get_gpc0 src_get_gpc1 src_get_gpt src_get_gpt0 src_glitch_cnt
        src_glitch_rate src_gpc0_rate src_gpc1_rate src_gpc_rate src_http_err_cnt src_http_err_rate
        src_http_fail_cnt src_http_fail_rate src_http_req_cnt src_http_req_rate src_inc_gpc src_inc_gpc0
        src_inc_gpc1 src_kbytes_in src_kbytes_out src_sess_cnt src_sess_rate src_updt_conn_cnt table_avl
        table_cnt
    """,
    "stream": """
        bc.timer.connect bc_be_queue bc_srv_queue bs.aborted bytes_in bytes_out fc.timer.handshake fc.timer.total
        fs.aborted fs.id last_entity last_rule_file last_rule_line prio_class prio_offset req.timer.hdr req.timer.idle
        req.timer.queue req.timer.tq res.timer.data res.timer.hdr txn.conn_retries txn.id32 txn.redispatched
        txn.sess_term_state txn.status txn.timer.total txn.timer.user unique-id wait_end waiting_entity
    """,
    "tls_hello": """
        rep_ssl_hello_type req.ssl_alpn req.ssl_cipherlist req.ssl_ec_ext req.ssl_hello_type req.ssl_keyshare_groups
        req.ssl_sigalgs req.ssl_sni req.ssl_st_ext req.ssl_supported_groups req.ssl_ver req_ssl_hello_type req_ssl_sni
        req_ssl_ver res.ssl_hello_type
    """,
    "url": """
        base base32 base32+src baseq path pathq query url url32 url32+src url_ip url_param url_port urlp urlp_val
    """,
}

FETCHES.announce(__name__, {topic: names.split() for topic, names in WORDS.items()})
