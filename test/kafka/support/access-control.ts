import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";

export interface Right {
  readonly operation: "Read" | "Write" | "Delete" | "DescribeConfigs";
  readonly type: "topic" | "group" | "transactionalId";
  /** With a slash at its end: all that begins so. */
  readonly name: string;
}

const TYPES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  transactionalId: AclResourceTypes.TRANSACTIONAL_ID,
};
const OPERATIONS = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Delete: AclOperationTypes.DELETE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
};

/** Takes rights away and gives them back; Kafka's own tool takes a JVM for each. */
export class AccessControl {
  readonly #principal: string;
  readonly #admin: Admin;

  private constructor(principal: string, admin: Admin) {
    this.#principal = principal;
    this.#admin = admin;
  }

  static async open(bootstrap: string, principal: string): Promise<AccessControl> {
    const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    return new AccessControl(principal, admin);
  }

  close(): Promise<void> {
    return this.#admin.disconnect();
  }

  /** One right, or all that the principal has. Fails if there is none. */
  async take(right?: Right): Promise<void> {
    const { filterResponses } = await this.#admin.deleteAcls({
      filters: [
        {
          resourceType: right === undefined ? AclResourceTypes.ANY : TYPES[right.type],
          ...(right !== undefined && { resourceName: right.name }),
          resourcePatternType: ResourcePatternTypes.ANY,
          principal: this.#principal,
          operation: right === undefined ? AclOperationTypes.ANY : OPERATIONS[right.operation],
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    });
    if (filterResponses.every(({ matchingAcls }) => matchingAcls.length === 0))
      throw new Error(`${this.#principal} has no such right: ${JSON.stringify(right)}`);
  }

  async give({ operation, type, name }: Right): Promise<void> {
    await this.#admin.createAcls({
      acl: [
        {
          resourceType: TYPES[type],
          resourceName: name,
          resourcePatternType: name.endsWith("/") ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
          principal: this.#principal,
          host: "*",
          operation: OPERATIONS[operation],
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    });
  }
}
