# Winnow in one image: web server, worker and command line. docker-compose.yml says which is started where.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/winnow/.venv/bin:$PATH

RUN useradd --uid 1000 --create-home winnow \
    && mkdir --mode 700 /data \
    && mkdir --parents /opt/winnow/kernels \
    && chown winnow:winnow /data /opt/winnow/kernels
WORKDIR /opt/winnow

# The libraries first: they are the large part, and stay in the cache while only the code changes.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app/__init__.py app/__init__.py
RUN python -m venv .venv \
    && .venv/bin/pip install --constraint constraints.txt --editable .

COPY app app
COPY workers workers
COPY winnow winnow
COPY migrations migrations
COPY static static
COPY templates templates
# Once more, for the packages that were not there before; the libraries are.
RUN .venv/bin/pip install --no-deps --editable .

USER winnow
# Machine code of the leak search, made by the user who will look for it: Numba passes over a folder that it can't write.
ENV NUMBA_CACHE_DIR=/opt/winnow/kernels
RUN winnow compile-kernels

ENV WINNOW_DATA_DIR=/data \
    WINNOW_HOST=0.0.0.0 \
    TORCH_HOME=/data/torch
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["winnow"]
CMD ["serve"]
