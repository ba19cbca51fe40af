# physrep on a CPU. Build:  docker build -t physrep .
# Run:                      docker run --rm -v "$PWD/runs:/results/runs" physrep bench quick
# For a GPU:                --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=hf,xarray

# gcc compiles the fused operations of the encoder when they are first used; without it plain ones take their place.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
COPY configs ./configs
RUN pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" -c constraints.txt ".[${EXTRAS}]"

# Results belong to whoever runs the container: --user "$(id -u):$(id -g)".
RUN useradd --create-home physrep && mkdir -p /results/runs && chown -R physrep /results
USER physrep
ENV PHYSREP_CACHE=/tmp/physrep-cache MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /results
ENTRYPOINT ["physrep"]
CMD ["--help"]
