"""Words that HAProxy 3.2 has and lbcore does not do yet, and words that a mistyped one may have meant."""

from __future__ import annotations

from collections.abc import Iterable

from lbcore.version import __version__

# Words that have nothing to tell here, by how they begin.
_NO_MEANING = {
    "bs.debug_str": "it is for developers of HAProxy's own muxes",
    "bs.rst_code": "only streams of HTTP/2 and QUIC are reset with a code",
    "fs.debug_str": "it is for developers of HAProxy's own muxes",
    "fs.rst_code": "only streams of HTTP/2 and QUIC are reset with a code",
    "internal.": "it is about HTX, the form that HAProxy keeps messages in, and of which there is none",
}


def not_done(what: str, name: str) -> str:
    """The sentence about a word of HAProxy that lbcore does not do."""
    why = next((why for start, why in _NO_MEANING.items() if name.startswith(start)), None)
    if why is not None:
        return f"the {what} '{name}' is HAProxy's but has no meaning in lbcore: {why}"
    return f"the {what} '{name}' is HAProxy's but is not supported by lbcore {__version__} yet"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The word of `known` that resembles `name` most, None if none does."""
    from difflib import get_close_matches  # only when something is wrong

    return next(iter(get_close_matches(name, list(known), n=1)), None)


# Facts only, from the lists that `haproxy -dKsmp,cnv` prints. They need TLS, stick tables, other protocols, caches.
_FETCHES = """
    bs.debug_str bs.rst_code fcgi.docroot fcgi.index fs.debug_str fs.rst_code internal.htx.data internal.htx.free
    internal.htx.free_data internal.htx.has_eom internal.htx.nbblks internal.htx.size internal.htx.used
    internal.htx_blk.data internal.htx_blk.hdrname internal.htx_blk.hdrval internal.htx_blk.size
    internal.htx_blk.start_line internal.htx_blk.type internal.strm.is_htx res.cache_hit res.cache_name res.comp
    res.comp_algo spoe.engine-id ssl_bc ssl_bc_alg_keysize ssl_bc_alpn ssl_bc_cipher
    ssl_bc_client_early_traffic_secret ssl_bc_client_handshake_traffic_secret ssl_bc_client_random
    ssl_bc_client_traffic_secret_0 ssl_bc_curve ssl_bc_early_exporter_secret ssl_bc_err ssl_bc_err_str
    ssl_bc_exporter_secret ssl_bc_is_resumed ssl_bc_npn ssl_bc_protocol ssl_bc_server_handshake_traffic_secret
    ssl_bc_server_random ssl_bc_server_traffic_secret_0 ssl_bc_session_id ssl_bc_session_key ssl_bc_unique_id
    ssl_bc_use_keysize ssl_c_ca_err ssl_c_ca_err_depth ssl_c_chain_der ssl_c_der ssl_c_err ssl_c_i_dn ssl_c_key_alg
    ssl_c_notafter ssl_c_notbefore ssl_c_r_dn ssl_c_s_dn ssl_c_san ssl_c_serial ssl_c_sha1 ssl_c_sig_alg ssl_c_used
    ssl_c_verify ssl_c_version ssl_f_der ssl_f_i_dn ssl_f_key_alg ssl_f_notafter ssl_f_notbefore ssl_f_s_dn
    ssl_f_serial ssl_f_sha1 ssl_f_sig_alg ssl_f_version ssl_fc ssl_fc_alg_keysize ssl_fc_alpn ssl_fc_cipher
    ssl_fc_cipherlist_bin ssl_fc_cipherlist_hex ssl_fc_cipherlist_str ssl_fc_cipherlist_xxh
    ssl_fc_client_early_traffic_secret ssl_fc_client_handshake_traffic_secret ssl_fc_client_random
    ssl_fc_client_traffic_secret_0 ssl_fc_curve ssl_fc_early_exporter_secret ssl_fc_ecformats_bin ssl_fc_eclist_bin
    ssl_fc_err ssl_fc_err_str ssl_fc_exporter_secret ssl_fc_extlist_bin ssl_fc_has_crt ssl_fc_has_early
    ssl_fc_has_sni ssl_fc_is_resumed ssl_fc_npn ssl_fc_protocol ssl_fc_protocol_hello_id
    ssl_fc_server_handshake_traffic_secret ssl_fc_server_random ssl_fc_server_traffic_secret_0 ssl_fc_session_id
    ssl_fc_session_key ssl_fc_sigalgs_bin ssl_fc_sni ssl_fc_supported_versions_bin ssl_fc_unique_id
    ssl_fc_use_keysize ssl_s_chain_der ssl_s_der ssl_s_i_dn ssl_s_key_alg ssl_s_notafter ssl_s_notbefore ssl_s_s_dn
    ssl_s_serial ssl_s_sha1 ssl_s_sig_alg ssl_s_version
"""
_CONVERTERS = """
"""

FETCHES_NOT_DONE = frozenset(_FETCHES.split())
CONVERTERS_NOT_DONE = frozenset(_CONVERTERS.split())
