// node-oidc-provider set up to do the same work as this project's server: ES256, PKCE, in-memory storage.
// Stages itself: PEOPLE, TOKENS, SESSIONS, CODES, REFRESHES live things, each written as a line that wrk.lua sends.
import { Provider } from 'oidc-provider';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const Keygrip = createRequire(import.meta.url)('keygrip');
const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const size = (name) => Number(process.env[name]);
const RESOURCE = 'http://127.0.0.1:9000';
const CALLBACK = 'http://127.0.0.1:9999/cb';
const SECRET = 'bench-secret-bench-secret-bench-secret';
const SCOPE = 'openid offline_access profile api:read';
const VERIFIER = 'v'.repeat(43);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
const BASIC = `Basic ${Buffer.from(`bench:${SECRET}`).toString('base64')}`;
const DAY = 86400;

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
Object.assign(jwk, { alg: 'ES256', use: 'sig', kid: 'k1' });

// An unbounded in-memory adapter: the built-in one forgets all but 1,000 entries.
const store = new Map(); const byGrant = new Map(); const byUid = new Map();
class MemoryAdapter {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    store.set(key, { payload, expires: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
    if (payload.grantId) { const keys = byGrant.get(payload.grantId) ?? []; keys.push(key); byGrant.set(payload.grantId, keys); }
    if (this.name === 'Session') byUid.set(payload.uid, id);
  }
  async find(id) { const hit = store.get(this.key(id)); return hit && hit.expires > Date.now() ? hit.payload : undefined; }
  async findByUid(uid) { return this.find(byUid.get(uid)); }
  async findByUserCode() { return undefined; }
  async consume(id) { const hit = store.get(this.key(id)); if (hit) hit.payload.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { store.delete(this.key(id)); }
  async revokeByGrantId(grantId) { for (const key of byGrant.get(grantId) ?? []) store.delete(key); byGrant.delete(grantId); }
}

// JWTs cannot be introspected there, so opaque tokens answer introspection and JWTs are what is issued under load.
let format = 'opaque';
const provider = new Provider(`http://localhost:${port}`, {
  adapter: MemoryAdapter,
  jwks: { keys: [jwk] },
  clients: [{
    client_id: 'bench', client_secret: SECRET, redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'], token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256', scope: SCOPE,
  }],
  scopes: ['openid', 'offline_access', 'profile', 'api:read'],
  claims: { openid: ['sub'], profile: ['name'] },
  features: {
    devInteractions: { enabled: false }, clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true }, revocation: { enabled: true },
    resourceIndicators: {
      enabled: true, useGrantedResource: () => true,
      defaultResource: (ctx) => (ctx.oidc.params?.scope?.includes('api:read') ? RESOURCE : undefined),
      getResourceServerInfo: () => ({
        scope: 'api:read', audience: RESOURCE, accessTokenFormat: format, accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  interactions: { url: (ctx, i) => `/interaction/${i.uid}` },
  async findAccount(ctx, id) { return { accountId: id, async claims() { return { sub: id, name: 'สมชาย ใจสมมติ' }; } }; },
  cookies: { keys: ['a'] },
  ttl: { Session: DAY, Grant: DAY, AccessToken: 3600, AuthorizationCode: 3600, RefreshToken: DAY },
});
provider.on('server_error', (ctx, e) => console.error(e));

const lines = Object.fromEntries(['introspection', 'userinfo', 'code', 'refresh', 'authorize', 'authorize_silent'].map((n) => [n, []]));
const line = ({ authorization = '', cookie = '', path, body = '' }) => [authorization, cookie, path, body].join('\t');
const client = await provider.Client.find('bench');
const info = { scope: 'api:read', audience: RESOURCE, accessTokenFormat: format, accessTokenTTL: 3600 };
const now = Math.floor(Date.now() / 1000);
const people = Array.from({ length: size('PEOPLE') }, (_, n) => `citizen-${n}`);
const grants = [];
for (const accountId of people) {
  const grant = new provider.Grant({ accountId, clientId: 'bench' });
  grant.addOIDCScope(SCOPE); grant.addResourceScope(RESOURCE, 'api:read');
  grants.push({ accountId, grantId: await grant.save(DAY) });
}
const of = (n) => grants[n % grants.length];
for (let n = 0; n < size('TOKENS'); n += 1) {
  const held = new provider.AccessToken({ ...of(n), client, scope: 'api:read', gty: 'authorization_code' });
  held.resourceServer = new provider.ResourceServer(RESOURCE, info);
  lines.introspection.push(line({ authorization: BASIC, path: '/token/introspection', body: `token=${await held.save(3600)}` }));
  const open = new provider.AccessToken({ ...of(n), client, scope: 'openid profile', gty: 'authorization_code' });
  lines.userinfo.push(line({ authorization: `Bearer ${await open.save(3600)}`, path: '/me' }));
}
for (let n = 0; n < size('CODES'); n += 1) {
  const code = await new provider.AuthorizationCode({
    ...of(n), client, scope: SCOPE, resource: RESOURCE, redirectUri: CALLBACK, nonce: 'n', authTime: now,
    codeChallenge: CHALLENGE, codeChallengeMethod: 'S256', claims: {},
  }).save(3600);
  const form = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: VERIFIER });
  lines.code.push(line({ authorization: BASIC, path: '/token', body: form }));
}
for (let n = 0; n < size('REFRESHES'); n += 1) {
  const token = await new provider.RefreshToken({
    ...of(n), client, scope: SCOPE, resource: RESOURCE, authTime: now, gty: 'authorization_code', claims: {}, rotations: 0,
  }).save(DAY);
  lines.refresh.push(line({ authorization: BASIC, path: '/token', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }) }));
}
const keys = new Keygrip(['a']);
for (let n = 0; n < size('SESSIONS'); n += 1) {
  const { accountId, grantId } = of(n);
  const session = new provider.Session({ accountId, loginTs: now, authorizations: { bench: { grantId, sid: `s${n}` } } });
  const id = await session.save(DAY);
  const cookie = `_session=${id ?? session.id}; _session.sig=${keys.sign(`_session=${id ?? session.id}`)}`;
  const query = {
    client_id: 'bench', redirect_uri: CALLBACK, response_type: 'code', scope: SCOPE, state: 'st', nonce: 'n-1',
    code_challenge: CHALLENGE, code_challenge_method: 'S256',
  };
  lines.authorize.push(line({ cookie, path: `/auth?${new URLSearchParams(query)}` }));
  lines.authorize_silent.push(line({ cookie, path: `/auth?${new URLSearchParams({ ...query, prompt: 'none' })}` }));
}
const system = new URLSearchParams({ grant_type: 'client_credentials', scope: 'api:read', resource: RESOURCE });
lines.client_credentials = [line({ authorization: BASIC, path: '/token', body: system })];
lines.discovery = [line({ path: '/.well-known/openid-configuration' })];
for (const [name, all] of Object.entries(lines)) writeFileSync(join(folder, name), `${all.join('\n')}\n`);
format = 'jwt';
provider.listen(port, '127.0.0.1', () => console.log('ready'));
