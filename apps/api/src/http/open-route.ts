import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

/** Needs no key: what load balancers and containers ask. */
export const Open = (): MethodDecorator => RouteConfig({ isOpen: true });

export const isOpenRoute = ({ routeOptions }: FastifyRequest): boolean =>
  (routeOptions.config as { isOpen?: boolean }).isOpen === true;

/** Shows how Sluice is set up. Where no key is set, that is for this machine only. */
export const Management = (): MethodDecorator => RouteConfig({ isManagement: true });

export const isManagementRoute = ({ routeOptions }: FastifyRequest): boolean =>
  (routeOptions.config as { isManagement?: boolean }).isManagement === true;

export const isFromThisMachine = ({ ip }: FastifyRequest): boolean =>
  ip === '127.0.0.1' || ip === '::1' || ip === '::ffff:127.0.0.1';
