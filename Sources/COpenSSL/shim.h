#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

// Much of OpenSSL's interface consists of macros, which Swift does not see.

static inline int retort_error_reason(unsigned long error) { return ERR_GET_REASON(error); }

enum {
    RETORT_UNEXPECTED_EOF = SSL_R_UNEXPECTED_EOF_WHILE_READING,
    RETORT_ALERT_INTERNAL_ERROR = SSL_R_TLSV1_ALERT_INTERNAL_ERROR,
};

static inline int retort_tls_chose_http2(const SSL *ssl) {
    const unsigned char *name = NULL;
    unsigned length = 0;
    if (ssl != NULL) SSL_get0_alpn_selected(ssl, &name, &length);
    return length == 2 && memcmp(name, "h2", 2) == 0;
}

// Whether the server whose certificates these are has chosen HTTP/2. It chooses before it sends a certificate.
static inline int retort_chose_http2(X509_STORE_CTX *chain) {
    return retort_tls_chose_http2((SSL *)X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

// MARK: Names

// Whether the certificate names hosts or addresses in its extension; its common name counts only if not.
static inline int retort_has_alternative_names(X509 *certificate) {
    GENERAL_NAMES *names = (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;
        found |= type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return found;
}

// Whether the certificate is one of `host`, a name or an address. The rules are libcurl's.
static inline int retort_is_certificate_of(X509 *certificate, const char *host) {
    unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    int has_names = retort_has_alternative_names(certificate);
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    if (address != NULL) {
        ASN1_OCTET_STRING_free(address);
        if (has_names) return X509_check_ip_asc(certificate, host, 0) == 1;
    } else if (has_names) {
        flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    }
    return X509_check_host(certificate, host, 0, flags, NULL) == 1;
}

// A SSL_CTX_set_cert_verify_callback: checks the chain as OpenSSL does, and the name `host` beyond.
static int retort_verify_host(X509_STORE_CTX *chain, void *host) {
    if (X509_verify_cert(chain) != 1) return 0;
    if (retort_is_certificate_of(X509_STORE_CTX_get0_cert(chain), (const char *)host)) return 1;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

// MARK: Contexts

// Keeps a context's last session for its next handshake.
static int retort_keep_session(SSL *ssl, SSL_SESSION *session) {
    SSL_CTX *context = SSL_get_SSL_CTX(ssl);
    SSL_SESSION_free((SSL_SESSION *)SSL_CTX_get_app_data(context));
    SSL_CTX_set_app_data(context, session);
    return 1;
}

// What all connections to one host share: trust, and the last session. Null without memory. `host` must outlive it.
static inline SSL_CTX *retort_tls_context(X509_STORE *store, char *host) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // A reading returns after each record, also one without content: a server that sends only those must not hold it.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // A record's head and what follows it come with one system call.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set1_cert_store(context, store);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, retort_verify_host, host);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, retort_keep_session);
    return context;
}

static inline void retort_tls_context_free(SSL_CTX *context) {
    SSL_SESSION_free((SSL_SESSION *)SSL_CTX_get_app_data(context));
    SSL_CTX_free(context);
}

// MARK: Connections

// The client's end on a connected socket, which is not closed with it. Null without memory.
static inline SSL *retort_tls_connection(SSL_CTX *context, int socket, const char *server_name, int offers_http2) {
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    const unsigned offset = offers_http2 ? 0 : 3;
    SSL *ssl = SSL_new(context);
    if (ssl == NULL) return NULL;
    if (SSL_set_fd(ssl, socket) != 1 || SSL_set_alpn_protos(ssl, protocols + offset, sizeof protocols - 1 - offset) != 0
        || (server_name != NULL && SSL_set_tlsext_host_name(ssl, server_name) != 1)) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_SESSION *session = (SSL_SESSION *)SSL_CTX_get_app_data(context);
    if (session != NULL) SSL_set_session(ssl, session);
    SSL_set_connect_state(ssl);
    return ssl;
}
