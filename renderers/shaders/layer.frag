// The finished layer of Gaussians over everything opaque; moved along if the camera went on.

uniform sampler2D u_layer;     // premultiplied; its first row is the lowest
uniform sampler2D u_depth_map; // colours from near to far
uniform mat3 u_to_layer;       // pixel of this target to pixel of the layer
uniform vec2 u_layer_size;
uniform float u_shade_depth;   // 1 where red holds depth instead of a colour

varying vec2 v_pixel;

void main() {
    vec3 there = u_to_layer * vec3(v_pixel, 1.0);
    if (there.z <= 0.0) discard;
    vec2 uv = there.xy / (there.z * u_layer_size);
    if (any(lessThan(uv, vec2(0.0))) || any(greaterThan(uv, vec2(1.0)))) discard;
    vec4 texel = texture2D(u_layer, vec2(uv.x, 1.0 - uv.y));
    if (u_shade_depth > 0.5 && texel.a > 0.0) {
        float t = clamp(texel.r / texel.a, 0.0, 1.0);
        texel.rgb = texel.a * texture2D(u_depth_map, vec2(t * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
    }
    gl_FragColor = texel;
}
