
// The page does not keep the tokens that a reader enters. `validatorUrl` keeps it from sending the documents to an external
// validator.
SwaggerUIBundle({
  urls,
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: "none",
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  plugins: [SwaggerUIBundle.plugins.DownloadUrl],
  layout: "StandaloneLayout",
});

// Swagger UI keeps what a reader typed, by path and method. Dialects share paths, so another choice loads the page again.
document.addEventListener("change", (event) => {
  if (event.target.id !== "select" || !event.target.closest(".topbar")) return;
  event.stopImmediatePropagation();
  const { name } = urls.find(({ url }) => url === event.target.value);
  location.assign(`${location.pathname}?${new URLSearchParams({ "urls.primaryName": name })}`);
}, true);

// A page that a browser restores would show the new choice with the old content.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
