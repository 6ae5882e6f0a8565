# The gateway as an image: glibc new enough for the newer uWebSockets.js addon, nothing but the bundle, no root.
#
#   docker build -t sluice .
#   docker run -p 8080:8080 -v "$PWD/sluice.yaml:/etc/sluice/sluice.yaml:ro" sluice

FROM node:24-trixie-slim AS build
WORKDIR /app
# The manifest first: dependencies are installed again only when it changes.
COPY package.json .npmrc ./
RUN npm install
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/pages.mjs ./scripts/
COPY src ./src
# The bundle holds every dependency but the native addon, which is an optional one.
RUN npm run build && npm pkg delete dependencies devDependencies && npm prune

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="HTTP/JSON to gRPC transcoding gateway: google.api.http rules in, a REST API out" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY descriptors ./descriptors
COPY config ./config

# The image's own unprivileged user, by number, so that Kubernetes' runAsNonRoot can tell.
USER 1000:1000
EXPOSE 8080 9901
STOPSIGNAL SIGTERM
# The slim image has no curl. SLUICE_HEALTH_URL follows `admin.address` where that is another port.
ENV SLUICE_HEALTH_URL=http://127.0.0.1:9901/healthz
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.SLUICE_HEALTH_URL).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve", "--config", "/etc/sluice/sluice.yaml"]
