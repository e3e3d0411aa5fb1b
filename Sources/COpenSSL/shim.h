#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

// Whether the server whose certificates these are has chosen HTTP/2. It chooses before it sends a certificate.
static inline int retort_chose_http2(X509_STORE_CTX *chain) {
    SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    const unsigned char *name = NULL;
    unsigned length = 0;
    if (ssl != NULL) SSL_get0_alpn_selected(ssl, &name, &length);
    return length == 2 && memcmp(name, "h2", 2) == 0;
}
