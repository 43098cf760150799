using System.Text;

namespace Kube.ApiServer;

/// <summary>The <c>Warning</c> header of RFC 7234 with code 299: <c>299 - "text"</c>.</summary>
public static class WarningHeader
{
    public static string Format(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var quoted = new StringBuilder("299 - \"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (!char.IsControl(c)) quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
