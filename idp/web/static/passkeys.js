"use strict";
// Passkeys for the pages that carry a #passkey block; every page works without this file in some other way.
(() => {
  const block = document.getElementById("passkey");
  if (!block || !window.PublicKeyCredential || !navigator.credentials) return;
  const button = document.getElementById("passkey-button");
  const status = document.getElementById("passkey-status");
  const purpose = block.dataset.passkey;
  let waiting = null; // the abort handle of the autofill request, which must end before another may begin

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const withId = (item) => ({ ...item, id: bytes(item.id) });

  async function post(url, body) {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRF-Token": block.dataset.csrf },
      body: JSON.stringify(body),
    });
    const content = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(content.error || "refused"), { refused: true, stale: [403, 409, 410].includes(answer.status), code: content.error });
    return content;
  }

  function readable(options) {
    const ready = { ...options, challenge: bytes(options.challenge) };
    if (options.user) ready.user = withId(options.user);
    for (const name of ["allowCredentials", "excludeCredentials"]) if (options[name]) ready[name] = options[name].map(withId);
    return ready;
  }

  function sendable(credential) {
    const given = credential.response;
    const response = { clientDataJSON: text(given.clientDataJSON) };
    if (given.attestationObject) {
      response.attestationObject = text(given.attestationObject);
      response.transports = given.getTransports ? given.getTransports() : [];
    } else {
      response.authenticatorData = text(given.authenticatorData);
      response.signature = text(given.signature);
      if (given.userHandle) response.userHandle = text(given.userHandle);
    }
    return {
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      authenticatorAttachment: credential.authenticatorAttachment || null,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  }

  async function perform(extra) {
    const publicKey = readable(await post(block.dataset.optionsUrl, { purpose }));
    const asked = { publicKey, ...extra };
    return purpose === "register" ? navigator.credentials.create(asked) : navigator.credentials.get(asked);
  }

  async function finish(credential) {
    const body = { purpose, credential: sendable(credential) };
    const name = document.getElementById("passkey-name");
    if (name) body.name = name.value;
    const answer = await post(block.dataset.verifyUrl, body);
    window.location.assign(answer.next);
  }

  const reasons = { counter: "counter", key_needed: "key", not_attested: "key", same_person: "colleague", own_case: "colleague", not_here: "colleague", staff_level: "colleague" };

  function explain(fault) {
    const reason = reasons[fault.code];
    status.textContent = reason && block.dataset[reason] ? block.dataset[reason] : fault.stale ? block.dataset.stale : fault.refused ? block.dataset.refused : block.dataset.failed;
  }

  button.addEventListener("click", async () => {
    if (waiting) waiting.abort();
    button.setAttribute("aria-disabled", "true");
    status.textContent = block.dataset.working;
    try {
      await finish(await perform({}));
    } catch (fault) {
      explain(fault);
    }
    button.removeAttribute("aria-disabled");
  });

  async function offerInField() {
    if (!PublicKeyCredential.isConditionalMediationAvailable || !(await PublicKeyCredential.isConditionalMediationAvailable())) return;
    waiting = new AbortController();
    let credential;
    try {
      credential = await perform({ mediation: "conditional", signal: waiting.signal });
    } catch {
      return; // no passkey, not chosen, or stopped by the button: the form is still there
    }
    try {
      await finish(credential);
    } catch (fault) {
      explain(fault);
    }
  }

  block.hidden = false;
  const missing = document.getElementById("passkey-missing");
  if (missing) missing.hidden = true;
  if (block.dataset.focus === "true") button.focus();
  if (block.dataset.conditional === "true") offerInField();
})();
