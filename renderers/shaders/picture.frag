// A picture made elsewhere, put where its depth says; moved along if the camera went on.

uniform sampler2D u_image;      // premultiplied; its first row is the uppermost
uniform sampler2D u_depth;      // along z of the picture's camera, 0 where nothing is
#ifdef SHADE_DEPTH
uniform sampler2D u_depth_map;  // colours from near to far
uniform vec2 u_shade_depth;     // depth at 0, 1 / span
#endif
uniform mat3 u_to_picture;      // pixel of this target to pixel of the picture
uniform vec2 u_picture_size;
uniform vec3 u_ray_z;           // z in the viewer's camera of a picture pixel at depth 1
uniform float u_shift_z;
uniform vec2 u_depth_range;     // near, far

varying vec2 v_pixel;

void main() {
    vec3 there = u_to_picture * vec3(v_pixel, 1.0);
    if (there.z <= 0.0) discard;
    vec2 pixel = there.xy / there.z;
    vec2 uv = pixel / u_picture_size;
    if (any(lessThan(uv, vec2(0.0))) || any(greaterThan(uv, vec2(1.0)))) discard;
    float depth = texture2D(u_depth, uv).r;
    vec4 texel = texture2D(u_image, uv);
    if (depth <= 0.0 || texel.a <= 0.0) discard;
#ifdef SHADE_DEPTH
    float t = clamp((depth - u_shade_depth.x) * u_shade_depth.y, 0.0, 1.0);
    texel.rgb = texel.a * texture2D(u_depth_map, vec2(t * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
#endif
    gl_FragColor = texel;
    float near = u_depth_range.x;
    float far = u_depth_range.y;
    float z = clamp(depth * dot(u_ray_z, vec3(pixel, 1.0)) + u_shift_z, near, far);
    gl_FragDepth = 0.5 * (far + near - 2.0 * far * near / z) / (far - near) + 0.5;
}
