export { type Figure, type FigureName, type Target, targets } from "./targets";
export {
  type BridgeReport,
  type BridgeValidationOptions,
  bridgeReportText,
  recommend,
  validateBridge,
  type WayReport,
} from "./validate_bridge";
