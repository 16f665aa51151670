import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../runtime/time/clock.ts";
import { standardBehaviour } from "./behaviour.ts";
import type { Institution } from "./institution.ts";
import { readBehaviour } from "./read-behaviour.ts";

interface AdminContext {
  readonly institutions: ReadonlyMap<string, Institution>;
  readonly url: (institution: string) => string;
  readonly clock: Clock;
}

type Handle = (institution: Institution, request: FastifyRequest) => unknown;

const ONE = "/_admin/institutions/:id";

/** What people and programs change while the institutions run. None of their faults apply here. */
export function addAdmin(app: FastifyInstance, { institutions, url, clock }: AdminContext): void {
  const view = (institution: Institution) => ({
    id: institution.id,
    industry: institution.industry,
    url: url(institution.id),
    behaviour: institution.behaviour,
    stats: institution.stats(),
  });
  const one = (handle: Handle) => (request: FastifyRequest, reply: FastifyReply) => {
    const { id } = request.params as { readonly id: string };
    const institution = institutions.get(id);
    if (institution === undefined)
      return reply.code(404).send({ error: `there is no ${id}; there are ${[...institutions.keys()].join(", ")}` });
    try {
      return reply.send(handle(institution, request));
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      return reply.code(400).send({ error: error.message });
    }
  };
  const customerOf = (request: FastifyRequest) => (request.params as { readonly customer: string }).customer;

  app.get("/_admin/institutions", () => [...institutions.values()].map(view));
  app.get(ONE, one(view));
  app.get(
    `${ONE}/deliveries`,
    one((institution) => institution.deliveries.list()),
  );
  app.patch(
    `${ONE}/behaviour`,
    one((institution, request) => {
      institution.configure(readBehaviour(JSON.parse(request.body as string)));
      return institution.behaviour;
    }),
  );
  app.put(
    `${ONE}/behaviour`,
    one((institution, request) => {
      institution.configure({ ...standardBehaviour, ...readBehaviour(JSON.parse(request.body as string)) });
      return institution.behaviour;
    }),
  );
  app.post(
    `${ONE}/customers/:customer/revoke-tokens`,
    one((institution, request) => {
      institution.authority.revokeAccess(customerOf(request), clock.now());
      return {};
    }),
  );
  app.post(
    `${ONE}/customers/:customer/withdraw-consent`,
    one((institution, request) => {
      institution.authority.withdrawConsent(customerOf(request), clock.now());
      return {};
    }),
  );
}
