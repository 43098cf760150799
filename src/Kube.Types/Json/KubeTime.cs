using System.Globalization;

namespace Kube.Types;

/// <summary>How Kubernetes writes times: <c>metav1.Time</c> in whole seconds, <c>MicroTime</c> in microseconds, both UTC.</summary>
public static class KubeTime
{
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string FormatMicro(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
