"use strict";
// The counter: a page that nobody touches for a minute is wiped (the server refuses it too), and the card agent's reader.
(() => {
  const own = document.currentScript;
  if (own && own.dataset.home) {
    const rest = Number(own.dataset.idleS) * 1000;
    let touched = Date.now();
    let told = touched;
    const wipe = () => { document.body.hidden = true; window.location.replace(own.dataset.home); };
    const awake = () => {
      touched = Date.now();
      if (!own.dataset.awake || touched - told < rest / 3) return;
      told = touched;
      fetch(own.dataset.awake, { method: "POST", credentials: "same-origin", headers: { "X-CSRF-Token": own.dataset.csrf, "Accept": "application/json" } })
        .then((answer) => { if (!answer.ok) wipe(); }, () => {});
    };
    for (const sign of ["keydown", "pointerdown"]) window.addEventListener(sign, awake, { passive: true });
    window.setInterval(() => { if (Date.now() - touched >= rest) wipe(); }, 1000);
    window.addEventListener("pageshow", (shown) => { if (shown.persisted) wipe(); });
  }

  const agent = document.getElementById("agent");
  const form = agent && agent.closest("form");
  if (!form) return;
  const status = document.getElementById("agent-status");
  const typed = form.querySelector("#card, #patient_card");
  form.addEventListener("submit", async (event) => {
    const unknown = event.submitter && event.submitter.name === "unknown";
    if (unknown || typed.value.trim() || form.elements.slot.value) return;
    event.preventDefault();
    status.textContent = agent.dataset.working;
    try {
      const asked = await fetch(agent.dataset.nonceUrl, { method: "POST", credentials: "same-origin", headers: { "X-CSRF-Token": agent.dataset.csrf, "Accept": "application/json" } });
      const { nonce } = await asked.json();
      const read = await fetch(`${agent.dataset.agentUrl}/read`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ nonce }) });
      if (!read.ok) throw new Error("reader");
      form.elements.slot.value = (await read.json()).card;
      form.submit();
    } catch {
      status.textContent = agent.dataset.failed;
    }
  });
})();
