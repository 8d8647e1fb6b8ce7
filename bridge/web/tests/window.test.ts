import { windowSuite } from "./window/suite";

windowSuite(["webview", "websocket", "http"]);
