// A service on openid-client. One JSON line in, one JSON line out; the first line says who it is.
import * as oidc from 'openid-client'
import { createInterface } from 'node:readline'

const ALGORITHMS = { ES256: { name: 'ECDSA', namedCurve: 'P-256' }, PS256: { name: 'RSA-PSS', hash: 'SHA-256' } }
let config, told, asked, tokens

async function authentication() {
  if (!told.key) return oidc.ClientSecretBasic(told.secret)
  const { alg, kid } = told.key
  return oidc.PrivateKeyJwt({ kid, key: await crypto.subtle.importKey('jwk', told.key, ALGORITHMS[alg], false, ['sign']) })
}

function granted(found) {
  tokens = found
  return { ...found, claims: found.claims() ?? null, expires: found.expiresIn() }
}

const verbs = {
  async begin(facts) {
    told = facts
    const { issuer, client_id, algorithm } = facts
    config = await oidc.discovery(new URL(issuer), client_id, undefined, await authentication(), { algorithm })
    oidc.enableNonRepudiationChecks(config) // check signatures of ID tokens too, not only TLS
    return { issuer: config.serverMetadata().issuer, pkce: config.serverMetadata().supportsPKCE(), node: process.version }
  },
  async ask({ more }) {
    asked = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() }
    const { redirect_uri, scope } = told
    const code_challenge = await oidc.calculatePKCECodeChallenge(asked.pkceCodeVerifier)
    const parameters = { redirect_uri, scope, code_challenge, code_challenge_method: 'S256', state: asked.expectedState, nonce: asked.expectedNonce }
    return { url: oidc.buildAuthorizationUrl(config, { ...parameters, ...more }).href }
  },
  async answer({ url, ...changed }) {
    return granted(await oidc.authorizationCodeGrant(config, new URL(url), { ...asked, idTokenExpected: true, ...changed }))
  },
  async userinfo() {
    return oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  },
  async refresh() {
    return granted(await oidc.refreshTokenGrant(config, tokens.refresh_token))
  },
  async revoke({ which }) {
    await oidc.tokenRevocation(config, tokens[which])
    return {}
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...facts } = JSON.parse(line)
  let answer
  try {
    answer = await verbs[verb](facts)
  } catch (fault) {
    const { error, code, name, message, status = null, cause } = fault
    answer = { fault: error ?? code ?? name, message, status, because: cause?.message ?? null }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
