"use strict";
for (const form of document.querySelectorAll("form[data-passkey]")) {
	const show = (name, visible) => { form.querySelector("[data-" + name + "]").hidden = !visible; };
	const button = form.querySelector("button");
	if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) {
		show("missing", true);
		button.disabled = true;
		continue;
	}
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		button.disabled = true;
		show("failed", false);
		try {
			const options = JSON.parse(form.dataset.options);
			const credential = form.dataset.passkey === "create"
				? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
				: await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
			form.elements.response.value = JSON.stringify(credential.toJSON());
			form.submit();
		} catch {
			show("failed", true);
			button.disabled = false;
			button.focus();
		}
	});
}
const codes = () => [...document.querySelectorAll(".codes code")].map((code) => code.textContent).join("\n");
for (const button of document.querySelectorAll("[data-print]")) {
	button.hidden = false;
	button.addEventListener("click", () => window.print());
}
for (const button of document.querySelectorAll("[data-copy]")) {
	button.hidden = !navigator.clipboard;
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(codes());
		document.querySelector("[data-copied]").hidden = false;
	});
}
