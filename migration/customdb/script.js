// Made by auth0kit, migration/customdb: {{NAME}}. Do not change it here.
function {{FUNCTION}}({{PARAMETERS}}, callback) {
  const crypto = require('crypto');
  const keys = [configuration.AUTH0KIT_KEY, configuration.AUTH0KIT_OLD_KEY].filter(Boolean)
    .map((k) => Buffer.from(k.replace('whsec_', ''), 'base64'));
  const sign = (key, id, stamp, text) => crypto.createHmac('sha256', key).update(id + '.' + stamp + '.' + text).digest();
  const id = 'msg_' + crypto.randomBytes(16).toString('hex');
  const stamp = String(Math.floor(Date.now() / 1000));
  const text = JSON.stringify({ script: '{{NAME}}', {{FIELDS}} });
  const unavailable = () => callback(new Error('The login is not available at the moment. Try again later.'));
  const genuine = (headers, answer) => {
    const at = headers.get('webhook-timestamp') || '';
    if (headers.get('webhook-id') !== 're_' + id || Math.abs(Date.now() / 1000 - Number(at)) > 300) return false;
    return (headers.get('webhook-signature') || '').split(' ').some((given) => {
      const sum = Buffer.from(given.replace('v1,', ''), 'base64');
      return keys.some((key) => {
        const want = sign(key, 're_' + id, at, answer);
        return sum.length === want.length && crypto.timingSafeEqual(sum, want);
      });
    });
  };
  (async () => {
    if (keys.length === 0) throw new Error('no key');
    const response = await fetch('{{URL}}{{NAME}}', {
      method: 'POST', body: text, signal: AbortSignal.timeout({{TIMEOUT}}), redirect: 'error',
      headers: {
        'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': stamp,
        'webhook-signature': 'v1,' + sign(keys[0], id, stamp, text).toString('base64'),
      },
    });
    const answer = await response.text();
    if (response.status !== 200 || !genuine(response.headers, answer)) throw new Error('not genuine');
    return JSON.parse(answer);
  })().then((answer) => {
    {{RESULT}}
  }, unavailable);
}
