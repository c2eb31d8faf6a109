// The interactive description of the HTTP interface, from the gateway's own openapi.json; nothing is fetched elsewhere.
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUI({ url: "openapi.json", dom_id: "#docs", validatorUrl: null });
