// An OpenTelemetry Collector with what the tests need: the OTLP receiver and exporter, the batch and memory_limiter processors, and
// an authenticator of a few lines, since contrib's basicauth and bearertokenauth are not in Debian.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/memorylimiterextension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// Set by the build.
var version = "unknown"

type authConfig struct {
	Bearer   string `mapstructure:"bearer"`
	Username string `mapstructure:"username"`
	Password string `mapstructure:"password"`
}

type auth struct {
	component.StartFunc
	component.ShutdownFunc
	want string
}

var _ extensionauth.Server = (*auth)(nil)

func (a *auth) Authenticate(ctx context.Context, h map[string][]string) (context.Context, error) {
	for _, k := range []string{"Authorization", "authorization"} {
		if v := h[k]; len(v) == 1 && v[0] == a.want {
			return ctx, nil
		}
	}
	return ctx, errors.New("not authorized")
}

func authFactory() extension.Factory {
	return extension.NewFactory(component.MustNewType("fixedauth"), func() component.Config { return &authConfig{} },
		func(_ context.Context, _ extension.Settings, c component.Config) (extension.Extension, error) {
			f := c.(*authConfig)
			if f.Bearer != "" {
				return &auth{want: "Bearer " + f.Bearer}, nil
			}
			return &auth{want: "Basic " + base64.StdEncoding.EncodeToString([]byte(f.Username+":"+f.Password))}, nil
		}, component.StabilityLevelDevelopment)
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func factories() (otelcol.Factories, error) {
	return otelcol.Factories{
		Receivers:  must(otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())),
		Processors: must(otelcol.MakeFactoryMap[processor.Factory](batchprocessor.NewFactory(), memorylimiterprocessor.NewFactory())),
		Exporters:  must(otelcol.MakeFactoryMap[exporter.Factory](debugexporter.NewFactory(), otlphttpexporter.NewFactory())),
		Extensions: must(otelcol.MakeFactoryMap[extension.Factory](authFactory(), memorylimiterextension.NewFactory())),
		Telemetry:  otelconftelemetry.NewFactory(),
	}, nil
}

func main() {
	cmd := otelcol.NewCommand(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol", Version: version},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories: []confmap.ProviderFactory{envprovider.NewFactory(), fileprovider.NewFactory(), yamlprovider.NewFactory()},
		}},
	})
	if err := cmd.Execute(); err != nil {
		log.Fatal(err)
	}
}
