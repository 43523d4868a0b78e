import { render } from "preact";
import { App } from "./app";
import { applyLanguage } from "./i18n";
import { applyTheme } from "./state/settings";
import { listenToLocation } from "./state/router";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/table.css";
import "./style/views.css";

applyTheme();
applyLanguage();
listenToLocation();
const root = document.getElementById("app");
if (root) render(<App />, root);
