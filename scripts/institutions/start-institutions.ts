import type { AddressInfo } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import type { Clock } from "../../runtime/time/clock.ts";
import { addAdmin } from "./admin-routes.ts";
import type { Behaviour } from "./behaviour.ts";
import type { CountedDelivery } from "./deliveries.ts";
import { bankData } from "./industries/bank.ts";
import { berkaAccounts } from "./industries/berka-bank.ts";
import { cardData } from "./industries/card.ts";
import { generatedAccounts } from "./industries/generated-bank.ts";
import { insuranceData } from "./industries/insurance.ts";
import { type Industry, Institution, industries } from "./institution.ts";
import { addInstitution } from "./institution-routes.ts";
import type { InstitutionStats } from "./institution-stats.ts";
import { readBehaviour } from "./read-behaviour.ts";
import type { IndustryData } from "./resource.ts";
import { responseCode } from "./response-code.ts";

export interface InstitutionDefinition {
  /** The first segment of its paths: 1 to 40 letters, digits and dashes. */
  readonly id: string;
  readonly industry: Industry;
  /** What differs from the standard behaviour. */
  readonly behaviour?: Partial<Behaviour>;
  /** A bank only: its accounts are those of this file, in the format of the Berka bank (CSV, also .gz). */
  readonly berka?: string;
}

export interface InstitutionsOptions {
  readonly clock: Clock;
  /** Of all data, tokens and faults. */
  readonly seed: number;
  readonly institutions: readonly InstitutionDefinition[];
  /** On 127.0.0.1. @default 0, a free one */
  readonly port?: number;
  /** Deliveries that each institution remembers; the oldest are forgotten. @default 100_000 */
  readonly deliveriesMax?: number;
  /** Values of x-api-tran-id that each institution remembers at least. @default 100_000 */
  readonly transactionIdsMax?: number;
}

/** Institutions that run. Every method that takes an institution throws a TypeError if there is none of that id. */
export interface Institutions {
  /** Where all of them are. */
  readonly address: string;
  /** Where one is: paths begin behind it. */
  url(institution: string): string;
  /** Changes fields of its behaviour, from the next call on. @throws {TypeError} that names the field */
  configure(institution: string, change: Partial<Behaviour>): void;
  behaviour(institution: string): Behaviour;
  stats(institution: string): InstitutionStats;
  /** What was collected, and how often: for a reconciliation. */
  deliveries(institution: string): readonly CountedDelivery[];
  /** Ends all access tokens of a customer, as a revocation between two pages does. */
  revokeTokens(institution: string, customer: string): void;
  /** The customer withdraws at the institution itself: 40106 until there is a new grant. */
  withdrawConsent(institution: string, customer: string): void;
  /** Ends all calls and connections. */
  close(): Promise<void>;
}

const DELIVERIES_MAX = 100_000;
const TRANSACTION_IDS_MAX = 100_000;
const BODY_BYTES_MAX = 64 * 1024;

/**
 * Serves institutions to develop against, all on one port of this machine. The wire is described in docs/INSTITUTIONS.md.
 * @throws {TypeError} if a definition is wrong
 */
export async function startInstitutions(options: InstitutionsOptions): Promise<Institutions> {
  const { clock, port = 0 } = options;
  const institutions = new Map<string, Institution>();
  for (const definition of options.institutions) {
    if (institutions.has(definition.id)) throw new TypeError(`there are two institutions ${definition.id}`);
    institutions.set(definition.id, institutionOf(definition, options));
  }
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true, exposeHeadRoutes: false });
  takeBodiesAsText(app);
  let address = "";
  const url = (id: string) => `${address}/${existing(institutions, id).id}`;
  for (const institution of institutions.values()) addInstitution(app, institution, clock);
  addAdmin(app, { institutions, url, clock });
  await app.listen({ host: "127.0.0.1", port });
  address = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    address,
    url,
    configure(id, change) {
      existing(institutions, id).configure(readBehaviour(change, `behaviour of ${id}`));
    },
    behaviour: (id) => existing(institutions, id).behaviour,
    stats: (id) => existing(institutions, id).stats(),
    deliveries: (id) => existing(institutions, id).deliveries.list(),
    revokeTokens: (id, customer) => existing(institutions, id).authority.revokeAccess(customer, clock.now()),
    withdrawConsent: (id, customer) => existing(institutions, id).authority.withdrawConsent(customer, clock.now()),
    close: () => app.close(),
  };
}

function institutionOf(definition: InstitutionDefinition, options: InstitutionsOptions): Institution {
  const { id, industry, behaviour = {} } = definition;
  if (!/^[A-Za-z0-9-]{1,40}$/.test(id))
    throw new TypeError(`${JSON.stringify(id)} is no id of an institution: 1 to 40 letters, digits and dashes`);
  if (!industries.includes(industry))
    throw new TypeError(`the industry of ${id} must be one of ${industries.join(", ")}, not ${industry}`);
  const { seed, deliveriesMax = DELIVERIES_MAX, transactionIdsMax = TRANSACTION_IDS_MAX } = options;
  return new Institution({
    ...{ id, industry, seed, deliveriesMax, transactionIdsMax },
    data: dataOf(definition, options),
    behaviour: readBehaviour(behaviour, `behaviour of ${id}`),
  });
}

function dataOf({ id, industry, berka }: InstitutionDefinition, { seed, clock }: InstitutionsOptions): IndustryData {
  if (berka !== undefined && industry !== "bank")
    throw new TypeError(`${id} is no bank: only a bank's data can be a file`);
  switch (industry) {
    case "bank":
      return bankData(berka === undefined ? generatedAccounts(seed, id) : berkaAccounts(berka, clock.now()));
    case "card":
      return cardData(seed, id);
    case "insu":
      return insuranceData(seed, id);
  }
}

function existing(institutions: ReadonlyMap<string, Institution>, id: string): Institution {
  const institution = institutions.get(id);
  if (institution === undefined)
    throw new TypeError(`there is no institution ${id}; there are ${[...institutions.keys()].join(", ")}`);
  return institution;
}

function takeBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ rsp_code: responseCode.notFound, rsp_msg: `there is no ${request.method} ${request.url}` }),
  );
}
