// pure
/** What the other end of a connection has done wrong, by the codes of Node and OpenSSL. */
const NOT_SIGNED = 'no certificate in our ca.pem has signed its certificate';
const NO_TLS = 'it speaks no TLS';
const NOT_TAKEN = 'it does not take our certificate';

const WORDS: ReadonlyMap<string, string> = new Map([
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'it shows no certificate'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['INVALID_PURPOSE', 'its certificate is not made for this end of a connection (extendedKeyUsage)'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', NOT_SIGNED],
  ['UNABLE_TO_GET_ISSUER_CERT', NOT_SIGNED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', NOT_SIGNED],
  ['SELF_SIGNED_CERT_IN_CHAIN', NOT_SIGNED],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', NOT_SIGNED],
  ['CERT_SIGNATURE_FAILURE', NOT_SIGNED],
  ['INVALID_CA', NOT_SIGNED],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is made out for another name'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NO_TLS],
  ['ERR_SSL_HTTP_REQUEST', NO_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NO_TLS],
  ['ERR_SSL_RECORD_LAYER_FAILURE', NO_TLS],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'it speaks a version of TLS below 1.3'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', NOT_TAKEN],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', NOT_TAKEN],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', NOT_TAKEN],
  ['ERR_SSL_SSL_ALERT_CERTIFICATE_EXPIRED', NOT_TAKEN],
  ['ERR_SSL_SSL_ALERT_BAD_CERTIFICATE', NOT_TAKEN],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'it has not finished the TLS handshake in time'],
  ['ECONNRESET', 'it hung up during the TLS handshake, as one does that speaks no TLS'],
]);

/**
 * @param error or the code that a certificate is refused with
 * @returns the words for what went wrong, with the code; where there are none, what the error says
 */
export function tlsWords(error: NodeJS.ErrnoException | string): string {
  const [code = '', text] = typeof error === 'string' ? [error, error] : [error.code, error.message];
  const words = WORDS.get(code);
  return words === undefined ? (text.split('\n')[0] ?? '') : `${words} (${code})`;
}
