import type { OpenLog } from "../environment/open-log.ts";
import { variables } from "../environment/variables.ts";
import { digestWith } from "../reveal/digest.ts";
import { type PlainKeyType, TopicSchemas } from "../topics/topic-schemas.ts";
import { RecordViewer } from "./record-view.ts";

export interface ViewerOptions {
  /** --schemas */
  readonly schemas: string;
  /** How keys are read, whatever the schemas say. */
  readonly keyType?: PlainKeyType | undefined;
  /** --reveal: after `auditReveal`. */
  readonly reveal?: true | undefined;
  /** Topics with the same records: see `RecordViewer`. */
  readonly alike?: readonly string[];
}

/** The viewer of a command, by its options and the environment. @throws {MulgilError} PII_KEY_FILE */
export function openViewer({ registry }: Pick<OpenLog, "registry">, options: ViewerOptions): RecordViewer {
  const { schemas: schemasDir, keyType, reveal = false, alike = [] } = options;
  const schemas = new TopicSchemas({ registry, schemasDir });
  const keyTypeOf = async (topic: string) => keyType ?? schemas.keyTypeOf(topic);
  return new RecordViewer(registry, keyTypeOf, { reveal, schemas, digest: digestWith(variables.piiKeyFile), alike });
}
