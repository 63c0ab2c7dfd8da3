# A build is a dispatch of this job, which is registered once:
#   nomad job dispatch -meta source=https://git.example.com/team/hello.git -meta revision=7d79303 -meta app=team/hello build
#   nomad var put nomad/jobs/build registry_auth=@auth.json cache_secret=…
job "build" {
  type = "batch"

  parameterized {
    payload       = "forbidden"
    meta_required = ["app", "source", "revision"]
  }

  group "build" {
    # A builder that died is replaced by an empty one, here or on another client.
    restart {
      attempts = 2
      interval = "30m"
      delay    = "15s"
      mode     = "fail"
    }

    reschedule {
      attempts  = 2
      interval  = "1h"
      unlimited = false
    }

    ephemeral_disk {
      size = 12288
    }

    task "bp" {
      driver       = "docker"
      kill_timeout = "10s"

      config {
        image   = "registry.example.com/platform/builder:24"
        command = "bp"
        args = [
          "build",
          "${NOMAD_TASK_DIR}/source",
          "--tag=registry.example.com/${NOMAD_META_app}:${NOMAD_META_revision}",
          "--push",
          "--cache-from=registry.example.com/${NOMAD_META_app}:cache",
          "--cache-to=registry.example.com/${NOMAD_META_app}:cache",
          "--format=json",
        ]
      }

      artifact {
        source      = "git::${NOMAD_META_source}"
        destination = "local/source"

        options {
          ref = "${NOMAD_META_revision}"
        }
      }

      env {
        BP_SANDBOX         = "none"
        BP_CACHE_DIR       = "${NOMAD_ALLOC_DIR}/data/store"
        REGISTRY_AUTH_FILE = "${NOMAD_SECRETS_DIR}/auth.json"
      }

      template {
        destination = "secrets/auth.json"
        perms       = "600"
        data        = "{{ with nomadVar \"nomad/jobs/build\" }}{{ .registry_auth }}{{ end }}"
      }

      template {
        destination = "secrets/cache.env"
        env         = true
        data        = "{{ with nomadVar \"nomad/jobs/build\" }}BP_CACHE_SECRET={{ .cache_secret }}{{ end }}"
      }

      resources {
        cpu        = 1000
        memory     = 1024
        memory_max = 3072
      }
    }
  }
}
