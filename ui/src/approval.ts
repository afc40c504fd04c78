import { mount } from "svelte";
import App from "./approval/Approval.svelte";
import { followTheme } from "./lib/theme";
import { tellPresence } from "./lib/transport";
import "./theme.css";

followTheme();
tellPresence();
mount(App, { target: document.body });
