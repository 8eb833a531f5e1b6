import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

/** Needs no key: what load balancers and containers ask. */
export const Open = (): MethodDecorator => RouteConfig({ isOpen: true });

export const isOpenRoute = ({ routeOptions }: FastifyRequest): boolean =>
  (routeOptions.config as { isOpen?: boolean }).isOpen === true;
